/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is done about a message, for kubeadm_error.c; not for other files. Two tables, the first row of each that fits is
 * used:
 *	statements	texts that only kubeadm, the API or etcd has, whatever they are about
 *	failures	what fails and why it fails (kubeadm_cause.h)
 * Of several messages of one class the one whose row is first is reported.
 */
#include "agent/kubeadm_cause.h"
#include "agent/kubeadm_error.h"

struct kubeadm_statement {
	enum kubeadm_error_class class;
	const char *text[3]; /* all are in the message; the unused ones are NULL */
	const char *advice;  /* what failed and what to do, for the user */
};
struct kubeadm_failure {
	enum kubeadm_subject subject;
	enum kubeadm_cause cause;
	enum kubeadm_error_class class;
	const char *advice;
};

extern const struct kubeadm_statement kubeadm_statements[]; /* ends with a row without texts */
extern const struct kubeadm_failure kubeadm_failures[];     /* ends with a row without advice */
