/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Creates a cluster from its file until all nodes are Ready, and removes it: repeats state (deploy_state.h),
 * plan (deploy_plan.h) and execution (deploy_exec.h) until nothing is left to do. A run after any failure
 * continues from the state that it finds.
 *
 * The cluster's secrets are in a file that the user keeps (seed_secrets.h). It is locked during the whole
 * run: a second deployer with the same file waits. It also has the key that signs the lines in the guests' notes, and the
 * guests that were made: without it, no guest is known as the cluster's.
 */
#include "builder/deploy/deploy_plan.h"

struct deploy_options {
	const char *cluster; /* borrowed, as all; the file */
	const char *secrets; /* file; NULL = CLUSTER.secrets in the directory of the cluster's file */
	bool full, dry_run, yes;
	struct strings nodes; /* destroy: only these; empty = all */
	struct strings adopt; /* deploy: NODE=VMID */
};

/* Report progress as a build does. *ret_said: one line for each node, or for each planned step of a dry
 * run. */
int deploy_run(const struct deploy_options *options, struct text *ret_said, struct error *err) MUST_CHECK;
int destroy_run(const struct deploy_options *options, struct text *ret_said, struct error *err) MUST_CHECK;
