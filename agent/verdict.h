/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubeadm's output means. Its exit code says nothing (1 for everything), so the text is matched against a table of what
 * kubeadm, client-go and etcd say (verdict_table.c). Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum verdict_class {
	VERDICT_RETRY,       /* passes by itself: back off and run again */
	VERDICT_CREDENTIALS, /* token, certificate key or CA hash: nothing but new ones help */
	VERDICT_FATAL,       /* running again gives the same */
	VERDICT_JOINED,      /* it had succeeded before we were cut off; see verdict_settle() */
};
struct verdict {
	enum verdict_class class;
	char *sentence; /* owned; what failed and what to do, with kubeadm's own words in it, and no secret */
};
/* output: everything it wrote to stdout and stderr. An unknown failure is VERDICT_RETRY with its last error line. */
void verdict_of(const char *output, size_t len, struct verdict *ret);
/* "A Ready Node of this name is in the cluster" is our own success only if this node has its client certificate; otherwise the
 * name belongs to another machine, which is fatal. */
void verdict_settle(struct verdict *v, bool has_certificate);
const char *verdict_class_name(enum verdict_class class);
void verdict_done(struct verdict *v);
