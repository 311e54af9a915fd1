/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Classifies kubeadm's output. Its exit code carries no information (1 for every failure), so the text is
 * divided into messages (kubeadm_message.h), and each message is classified by what it is about and why that failed
 * (kubeadm_cause.h), or by a text that only one thing has (kubeadm_statements.c). Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum kubeadm_error_class {
	KUBEADM_ERROR_RETRY, /* temporary: back off and run again */
	/* Token, certificate key, CA hash or endpoint: only others help. The other side is not the cluster, has not proven
	 * to be it, or does not know this node. Fatal, except for a node that has its endpoint from other guests' notes. */
	KUBEADM_ERROR_CREDENTIALS,
	KUBEADM_ERROR_FATAL, /* this machine, its configuration, a registry, the versions: another run gives the same */
	KUBEADM_ERROR_JOINED, /* it had succeeded before the interruption; see kubeadm_error_settle() */
};
struct kubeadm_error {
	enum kubeadm_error_class class;
	char *sentence; /* owned; what failed and what to do, in our words: public */
	char *words;    /* owned; kubeadm's own, one line, known forms of secrets hidden: private; NULL = none */
};
/* output: everything that kubeadm wrote to stdout and stderr. An unknown failure is KUBEADM_ERROR_RETRY with
 * its last error line as words. */
void kubeadm_error_classify(const char *output, size_t len, struct kubeadm_error *ret);
/* "A Ready Node of this name is in the cluster" is our own success only if this node has its client
 * certificate. Otherwise the name belongs to another machine, which is fatal. */
void kubeadm_error_settle(struct kubeadm_error *v, bool has_certificate);
const char *kubeadm_error_class_name(enum kubeadm_error_class class);
void kubeadm_error_done(struct kubeadm_error *v);
