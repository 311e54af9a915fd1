/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "builder/cmd/command.h"
#include "builder/image/diff.h"
#include "builder/sandbox/confine.h"
#include "lib/hash.h"

#define TROUBLE ERROR_USAGE /* as in diff(1): 0 equal, 1 different, 2 and above an error */

static bool as_json, times;

static const struct option_spec options[] = {
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the changes as a JSON array" },
	{ "--times", OPTION_FLAG, &times, NULL, "compare the times of files, too" },
	{ 0 },
};

static void print(const struct diff *diff)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *json = as_json ? diff_json(diff) : NULL;

	if (json)
		json_print(json, true, &text);
	else
		diff_print(diff, &text);
	command_print(&text);
}

/* For two images without a changed file: 0 when their bytes are equal, too. */
static int compare_bytes(const struct diff_source source[2], struct error *err)
{
	char a[SHA256_HEX], b[SHA256_HEX];

	if (diff_source_digest(&source[0], a, err) < 0 || diff_source_digest(&source[1], b, err) < 0) {
		err->class = TROUBLE;
		return -1;
	}
	if (!strcmp(a, b))
		return 0;
	return error_set(
		err, ERROR_FAILED,
		"%s and %s hold the same files, but differ in bytes: in %sfile order, compression or file system "
		"metadata",
		source[0].path, source[1].path, times ? "" : "times (--times shows them), ");
}

static int open_both(char **path, struct diff_source source[2], struct error *err)
{
	if (diff_open(path[0], &source[0], err) < 0 || diff_open(path[1], &source[1], err) < 0)
		return -1;
	if (!source[0].image != !source[1].image)
		return error_set(err, ERROR_USAGE, "%s and %s: one is an image, the other a JSON document", path[0],
				 path[1]);
	source[0].times = source[1].times = times;
	return confine(err);
}

static int load_both(char **path, struct diff_source source[2], struct diff_list list[2], struct error *err)
{
	if (open_both(path, source, err) == 0 && diff_load(&source[0], &list[0], err) == 0 &&
	    diff_load(&source[1], &list[1], err) == 0)
		return 0;
	err->class = err->class == ERROR_FAILED ? TROUBLE : err->class;
	return -1;
}

static int compare(char **path, struct diff_source source[2], struct diff_list list[2], struct error *err)
{
	CLEANUP(diff_done) struct diff diff = { 0 };

	if (load_both(path, source, list, err) < 0)
		return -1;
	diff_compare(&list[0], &list[1], &diff);
	print(&diff);
	if (diff.changes.n)
		return error_set(err, ERROR_FAILED, "%s and %s differ in %zu place%s", path[0], path[1], diff.changes.n,
				 diff.changes.n == 1 ? "" : "s");
	return source[0].image ? compare_bytes(source, err) : 0;
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	struct diff_source source[2] = { 0 };
	struct diff_list list[2] = { 0 };
	int rc = compare(argv, source, list, err);

	for (size_t i = 0; i < 2; i++) {
		diff_list_done(&list[i]);
		diff_source_done(&source[i]);
	}
	return rc;
}

static const char *const examples[] = { "nodekiln diff old/debian-13.qcow2 new/debian-13.qcow2",
					"nodekiln diff old/debian-13.manifest.json new/debian-13.manifest.json", NULL };

const struct command command_diff = {
	.name = "diff",
	.arguments = "A B",
	.summary =
		"show what changed between two images (.qcow2, .raw, .tar.zst), file by file, or between two manifests "
		"or locks (.json)",
	.description =
		"A and B are two images, two manifests or two locks. Each line of the output is a change: - "
		"removed, + added, ~ changed, and how; what changed in content comes first. Of packages and modules it "
		"names the versions, `--json` has all that differs.\n"
		"The exit status is that of diff(1): 0 for equal, 1 for different, 2 and above for an error.",
	.examples = examples,
	.options = options,
	.min = 2,
	.max = 2,
	.run = run,
};
