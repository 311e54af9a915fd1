/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/cmd/progress_options.h"
#include "builder/deploy/deploy.h"

static struct deploy_options destroy;
static struct progress_options shown;

static const struct option_spec options[] = {
	{ "--secrets", OPTION_VALUE, &destroy.secrets, "FILE",
	  "the cluster's secrets (default: CLUSTER.secrets in the directory of CLUSTER.yaml)" },
	{ "--node", OPTION_LIST, &destroy.nodes, "NAME", "only this node of the cluster (may be repeated)" },
	{ "--dry-run", OPTION_FLAG, &destroy.dry_run, NULL, "only print what would be removed" },
	{ "--yes", OPTION_FLAG, &destroy.yes, NULL, "confirm the removal" },
	PROGRESS_OPTIONS(shown, "print each step, and the logs of tasks that fail"),
	{ 0 },
};

static int act(struct text *output, struct error *err)
{
	return destroy_run(&destroy, output, err);
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	destroy.cluster = argv[0];
	int rc = progress_options_run(&shown, "what was not removed stays; run the same command again: it continues",
				      act, err);
	strings_done(&destroy.nodes);
	return rc;
}

static const char *const examples[] = { "nodekiln destroy lab.yaml --dry-run", "nodekiln destroy lab.yaml --yes",
					NULL };

const struct command command_destroy = {
	.name = "destroy",
	.arguments = "CLUSTER.yaml",
	.summary = "remove what deploy made: guests with their disks, seeds and tokens",
	.description =
		"It removes the guests of the cluster, their disks, seeds and tokens, and nothing else; then the "
		"secrets file. Where nothing proves that the file is this cluster's, as with that of another one of "
		"the same "
		"name, or with another target, nothing is removed and the file stays. `--node` removes single nodes. "
		"Without `--yes` and `--dry-run` nothing is removed.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.secrets = true,
	.run = run,
};
