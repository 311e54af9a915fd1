/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs a program of the guest (kubeadm, kubectl, systemctl) with a small environment: except for PATH, the
 * child inherits no variable of ours.
 */
#include "lib/error.h"
#include "lib/text.h"

/* input becomes its stdin; its stdout is appended to *output. Either may be NULL. A program that fails is
 * ERROR_COMMAND; its last lines are then the private text of *err. */
int program_talk(struct strings *argv, const struct text *input, struct text *output, struct error *err) MUST_CHECK;
/* line() as in struct process. Errors as above. */
int program_run(struct strings *argv, void (*line)(void *context, const char *line), void *context, struct error *err)
	MUST_CHECK;
