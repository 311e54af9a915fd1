/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/cmd/interrupt.h"
#include "builder/deploy/deploy.h"
#include "builder/progress/progress.h"
#include "lib/log.h"

static struct deploy_options destroy;
static bool json, plain, verbose;

static const struct option_spec options[] = {
	{ "--secrets", OPTION_VALUE, &destroy.secrets, "FILE",
	  "the cluster's secrets (default: CLUSTER.secrets in the directory of CLUSTER.yaml)" },
	{ "--node", OPTION_LIST, &destroy.nodes, "NAME", "only this node of the cluster (may be repeated)" },
	{ "--dry-run", OPTION_FLAG, &destroy.dry_run, NULL, "only print what would be removed" },
	{ "--yes", OPTION_FLAG, &destroy.yes, NULL, "confirm the removal" },
	{ "--json", OPTION_FLAG, &json, NULL, "print events as JSON, one object per line" },
	{ "--plain", OPTION_FLAG, &plain, NULL, "print plain lines even on a terminal" },
	{ "--verbose", OPTION_FLAG, &verbose, NULL, "print each step, and the logs of tasks that fail" },
	{ 0 },
};

static int run(int argc UNUSED, char **argv, struct error *err)
{
	CLEANUP(text_done) struct text output = { 0 };

	destroy.cluster = argv[0];
	log_set_verbose(verbose);
	interrupt_say("what was not removed stays; run the same command again: it continues");
	progress_open(json ? PROGRESS_JSON : plain || verbose ? PROGRESS_PLAIN : PROGRESS_AUTO);
	int rc = destroy_run(&destroy, &output, err);
	if (rc < 0)
		progress_failure(err);
	progress_close();
	if (rc == 0 && !json && output.len)
		command_print(&output);
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
