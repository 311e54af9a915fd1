/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubeadm says, line by line: masked, to our stderr, told as a phase, and the last of it kept for the verdict.
 */
#include "agent/secrets.h"

#define KUBEADM_OUTPUT_MAX (64 << 10) /* kept; the error is at the end */
#define KUBEADM_PHASE_MAX 48

struct kubeadm_output {
	struct secrets secrets;                         /* owned */
	void (*phase)(void *context, const char *name); /* NULL = nobody wants to know */
	void *context;                                  /* for phase() */
	struct text kept;                               /* owned */
	char current[KUBEADM_PHASE_MAX];                /* "" before the first */
};

/* For struct process's line(). */
void kubeadm_output_line(void *output, const char *line);
/* "certs" of "[certs] Generating ..."; false when the line names none. */
bool kubeadm_output_phase(const char *line, char ret_name[KUBEADM_PHASE_MAX]);
void kubeadm_output_done(struct kubeadm_output *o);
