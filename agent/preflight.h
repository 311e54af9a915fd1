/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Finds what would make kubeadm fail, before it runs: one sentence for each finding, with what to do. Pure
 * over struct facts, except for preflight_runtime(), which connects to the runtime's socket.
 */
#include "agent/facts.h"
#include "lib/node_config.h"

enum finding_kind {
	FINDING_WARNING,
	FINDING_WAIT, /* temporary: may pass by itself, such as an unset clock or a runtime that is starting */
	FINDING_FATAL
};
struct finding {
	enum finding_kind kind;
	const char *name; /* "swap", "clock": stable, for kubeadm.ignore_preflight_errors */
	char *sentence;   /* owned */
};
struct findings {
	struct finding *at; /* owned */
	size_t n, max;
};

/* again: an earlier run of kubeadm was interrupted, so what it left behind is no finding. A fatal finding
 * whose name (or that of kubeadm's check for the same) is in kubeadm.ignore_preflight_errors becomes a
 * warning. */
void preflight(const struct node_config *node, const struct facts *machine, bool again, struct findings *ret);
/* Whether a process accepts connections on the runtime's socket below root. */
int preflight_runtime(const char *root, const char *cri_socket, struct error *err) MUST_CHECK;
void findings_done(struct findings *f);
