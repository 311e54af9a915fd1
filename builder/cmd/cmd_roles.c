/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/pve/roles.h"

static const char *version = "9";

static const struct option_spec options[] = {
	{ "--pve", OPTION_VALUE, &version, "8|9", "the major version of Proxmox VE (default: 9)" },
	{ 0 },
};

static int run(int argc UNUSED, char **argv, struct error *err)
{
	CLEANUP(target_done) struct target target = { 0 };
	CLEANUP(text_done) struct text out = { 0 };

	if (!text_same(version, "8") && !text_same(version, "9"))
		return error_set(err, ERROR_USAGE, "--pve %s: it must be 8 or 9", version);
	if (target_load(argv[0], &target, err) < 0)
		return -1;
	roles_print(&target, version[0] - '0', &out);
	command_print(&out);
	return 0;
}

static const char *const examples[] = { "nodekiln roles --pve 9 pve.yaml", NULL };

const struct command command_roles = {
	.name = "roles",
	.arguments = "TARGET.yaml",
	.summary = "print the pveum commands that give a target's token exactly the rights it needs",
	.description = "Run the printed commands once, as root on a node. They make the pool, the user, its token and "
		       "the roles, and enable the content type `import`.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.run = run,
};
