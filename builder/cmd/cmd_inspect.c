/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/image/inspect.h"
#include "builder/sandbox/confine.h"

static bool as_json;

static const struct option_spec options[] = {
	{ "--json", OPTION_FLAG, &as_json, NULL, "print everything as one JSON object" },
	{ 0 },
};

static int run(int argc UNUSED, char **argv, struct error *err)
{
	CLEANUP(inspection_done) struct inspection inspection = { 0 };
	CLEANUP(text_done) struct text out = { 0 };

	if (inspect_open(argv[0], &inspection, err) < 0 || confine(err) < 0 || inspect_load(&inspection, err) < 0)
		return -1;
	if (as_json) {
		CLEANUP(json_free_p) struct json *json = inspection_json(&inspection);
		json_print(json, true, &out);
	} else {
		inspection_print(&inspection, &out);
	}
	command_print(&out);
	return 0;
}

static const char *const examples[] = { "nodekiln inspect out/debian-13.qcow2",
					"nodekiln inspect --json out/debian-13.tar.zst", NULL };

const struct command command_inspect = {
	.name = "inspect",
	.arguments = "FILE",
	.summary = "show what is in an image (.qcow2, .raw, .tar.zst): partitions, versions, packages, sizes",
	.description =
		"It reads the file and needs neither root nor a mount.\n"
		"Versions of programs that were compiled from Go modules come from the programs themselves: Go writes "
		"its own version and every linked module into them. `--json` has all of these modules.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.run = run,
};
