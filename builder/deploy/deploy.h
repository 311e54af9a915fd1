/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cluster from its file to Ready nodes, and its end: look (deploy_state.h), plan (deploy_plan.h), do (deploy_exec.h), until there is
 * nothing left to do. Run again after any failure, it goes on from what it finds.
 *
 * The cluster's secrets are in a file of its owner's (seed_secrets.h), which is locked from the first look to the end: of two
 * deployers with one file the second waits. Without that file what it made cannot be told from another's of the same name.
 */
#include "builder/deploy/deploy_plan.h"

struct deploy_options {
	const char *cluster; /* borrowed, as all; the file */
	const char *secrets; /* file; NULL = beside the cluster's, CLUSTER.secrets */
	bool full, dry_run, yes;
	struct strings nodes; /* destroy: only these; empty = all */
};

/* Report as a build does. *ret_said: what is there now, or for a dry run the plan; a line each. */
int deploy_run(const struct deploy_options *options, struct text *ret_said, struct error *err) MUST_CHECK;
int destroy_run(const struct deploy_options *options, struct text *ret_said, struct error *err) MUST_CHECK;
