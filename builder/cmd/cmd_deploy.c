/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/cmd/progress_options.h"
#include "builder/deploy/deploy.h"

static struct deploy_options deploy;
static struct progress_options shown;

static const struct option_spec options[] = {
	{ "--secrets", OPTION_VALUE, &deploy.secrets, "FILE",
	  "the cluster's secrets (default: CLUSTER.secrets in the directory of CLUSTER.yaml)" },
	{ "--adopt", OPTION_LIST, &deploy.adopt, "NODE=VMID",
	  "take this guest for the cluster's, although nothing proves it (may be repeated)" },
	{ "--full", OPTION_FLAG, &deploy.full, NULL,
	  "make full clones; default: linked clones, which depend on their template" },
	{ "--dry-run", OPTION_FLAG, &deploy.dry_run, NULL, "only print what would be done" },
	PROGRESS_OPTIONS(shown, "print each step, and the logs of tasks that fail"),
	{ 0 },
};

static int act(struct text *output, struct error *err)
{
	return deploy_run(&deploy, output, err);
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	deploy.cluster = argv[0];
	int rc = progress_options_run(
		&shown,
		"what was made stays; `nodekiln deploy` with the same file continues, `nodekiln destroy` removes it",
		act, err);
	strings_done(&deploy.adopt);
	return rc;
}

static const char *const examples[] = { "nodekiln deploy lab.yaml --dry-run", "nodekiln deploy lab.yaml", NULL };

const struct command command_deploy = {
	.name = "deploy",
	.arguments = "CLUSTER.yaml",
	.summary = "make a cluster from published templates: clone, seed and start guests, and wait until the nodes "
		   "are ready",
	.description = "CLUSTER.yaml is a nodekiln-cluster(5) file. Each guest gets a seed with its configuration on a "
		       "CD, and an API token of its own that may write only the guest's tags and notes and read the "
		       "pool. When the node is ready, the CD is removed and seed and token are deleted.\n"
		       "The cluster's secrets remain in CLUSTER.secrets (mode 0600), with the key that signs the "
		       "guests' notes and the guests that were made; the file is also the lock between two "
		       "deployments of one cluster. A guest that the file does not prove to be the cluster's is "
		       "never changed; --adopt takes it for the cluster's. After a failure, run the same command "
		       "again: it continues from what it finds.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.secrets = true,
	.run = run,
};
