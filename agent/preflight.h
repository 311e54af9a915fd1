/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What stands in kubeadm's way, said before it runs: one sentence each, with what to do. Pure over struct facts, but for
 * preflight_runtime(), which asks the runtime's socket.
 */
#include "agent/facts.h"
#include "lib/node_config.h"

enum finding_kind { FINDING_WARNING, FINDING_WAIT /* may pass by itself: clock, runtime starting */, FINDING_FATAL };
struct finding {
	enum finding_kind kind;
	const char *name; /* "swap", "clock": stable, for node.ignore_preflight */
	char *sentence;   /* owned */
};
struct findings {
	struct finding *at; /* owned */
	size_t n, max;
};

/* again: a run of kubeadm before this one was cut off, so what it left behind is no finding. A fatal finding whose name (or that of
 * kubeadm's check for the same) stands in kubeadm.ignore_preflight_errors is a warning. */
void preflight(const struct node_config *node, const struct facts *machine, bool again, struct findings *ret);
/* Whether somebody answers on the runtime's socket under root. */
int preflight_runtime(const char *root, const char *cri_socket, struct error *err) MUST_CHECK;
void findings_done(struct findings *f);
