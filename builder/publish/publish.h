/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An image into a target: on every node, what is missing is found out (publish_state.h, publish_plan.h) and done (publish_exec.h),
 * one step at a time. Before the first of them everything that could be in the way is looked at (publish_check.h).
 *
 * Nodes with storages of their own are served side by side; where they share one, one after the other, so that nothing is
 * uploaded twice.
 */
#include "builder/publish/publish_plan.h"

#define PUBLISH_PARALLEL 2 /* Proxmox VE has three workers for its API, and others want to work too */

struct publish_options {
	const char *target, *image; /* borrowed; files */
	unsigned parts;             /* PUBLISH_VM, PUBLISH_CT */
	enum firmware firmware;
	bool replace, dry_run;
	long retain;
	struct strings nodes; /* only these of the target's; empty = all */
};

/* Reports as a build does. *ret_said: what is there now, or for a dry run the plan; a line each. */
int publish_run(const struct publish_options *options, struct text *ret_said, struct error *err) MUST_CHECK;

/* publish_node.c: one node, to its end. */
int publish_node(struct pve *pve, const struct publish_order *o, struct error *err) MUST_CHECK;
