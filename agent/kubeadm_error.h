/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubeadm's output means. Its exit code says nothing (1 for everything), so the text is matched against a table of what
 * kubeadm, client-go and etcd say (kubeadm_error_table.c). Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum kubeadm_error_class {
	KUBEADM_ERROR_RETRY,       /* passes by itself: back off and run again */
	KUBEADM_ERROR_CREDENTIALS, /* token, certificate key or CA hash: nothing but new ones help */
	KUBEADM_ERROR_FATAL,       /* running again gives the same */
	KUBEADM_ERROR_JOINED,      /* it had succeeded before we were cut off; see kubeadm_error_settle() */
};
struct kubeadm_error {
	enum kubeadm_error_class class;
	char *sentence; /* owned; what failed and what to do, with kubeadm's own words in it, and no secret */
};
/* output: everything it wrote to stdout and stderr. An unknown failure is KUBEADM_ERROR_RETRY with its last error line. */
void kubeadm_error_classify(const char *output, size_t len, struct kubeadm_error *ret);
/* "A Ready Node of this name is in the cluster" is our own success only if this node has its client certificate; otherwise the
 * name belongs to another machine, which is fatal. */
void kubeadm_error_settle(struct kubeadm_error *v, bool has_certificate);
const char *kubeadm_error_class_name(enum kubeadm_error_class class);
void kubeadm_error_done(struct kubeadm_error *v);
