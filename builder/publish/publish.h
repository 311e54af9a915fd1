/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Publishes an image to a target: on every node, reads the state (publish_state.h), plans what is missing
 * (publish_plan.h) and executes it (publish_exec.h), one step at a time. Everything that could fail is
 * checked before the first step (publish_check.h).
 *
 * Nodes with separate storages are published to in parallel; nodes that share one, one after the other, so
 * that nothing is uploaded twice.
 */
#include "builder/publish/publish_plan.h"

#define PUBLISH_PARALLEL 2 /* PVE has three API workers; one is left to other clients */

struct publish_options {
	const char *target, *image; /* borrowed; files */
	unsigned parts;             /* PUBLISH_VM, PUBLISH_CT */
	enum firmware firmware;
	const char *keyring; /* borrowed; SHA256SUMS must be signed by one of its keys; NULL = need not be signed */
	bool replace, dry_run;
	long retain;
	struct strings nodes; /* of the target's nodes, only these; empty = all */
};

/* Reports progress as a build does. *ret_said: one line for each published image, or for each planned step
 * of a dry run. */
int publish_run(const struct publish_options *options, struct text *ret_said, struct error *err) MUST_CHECK;

/* publish_node.c: repeats state, plan, step until a node needs nothing more. */
int publish_node(struct pve *pve, const struct publish_order *o, struct error *err) MUST_CHECK;
