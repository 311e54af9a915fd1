/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Handles kubeadm's output line by line: masks secrets, writes it to stderr, reports phases, and keeps the
 * last part for kubeadm_error_classify().
 */
#include "agent/secrets.h"

#define KUBEADM_OUTPUT_MAX (64 << 10) /* of output that is kept; the error is at the end */
#define KUBEADM_PHASE_MAX 48

struct kubeadm_output {
	struct secrets secrets;                         /* owned */
	void (*phase)(void *context, const char *name); /* may be NULL */
	void *context;                                  /* for phase() */
	struct text kept;                               /* owned */
	char current[KUBEADM_PHASE_MAX];                /* the current phase; "" before the first */
};

/* The line() of struct process. */
void kubeadm_output_line(void *output, const char *line);
/* "certs" of "[certs] Generating ..."; false when the line names no phase. */
bool kubeadm_output_phase(const char *line, char ret_name[KUBEADM_PHASE_MAX]);
void kubeadm_output_done(struct kubeadm_output *o);
