/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "builder/cmd/command.h"
#include "builder/image/diff.h"
#include "lib/file.h"
#include "lib/hash.h"

#define TROUBLE ERROR_USAGE /* as in diff(1): 0 equal, 1 different, 2 and above an error */

static bool as_json;

static const struct option_spec options[] = {
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the changes as a JSON array" },
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

static int digest(const char *path, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, ERROR_FAILED, "open %s: %m", path);
	return sha256_fd(fd, ret_hex, err);
}

/* For two images without a changed file: 0 when their bytes are equal, too. */
static int compare_bytes(char **path, struct error *err)
{
	char a[SHA256_HEX], b[SHA256_HEX];

	if (digest(path[0], a, err) < 0 || digest(path[1], b, err) < 0) {
		err->class = TROUBLE;
		return -1;
	}
	if (!strcmp(a, b))
		return 0;
	return error_set(
		err, ERROR_FAILED,
		"%s and %s hold the same files, but differ in bytes: in file order, compression or file system "
		"metadata",
		path[0], path[1]);
}

static int compare(char **path, struct diff *diff, struct diff_list list[2], bool *ret_document, struct error *err)
{
	bool document[2];

	for (int i = 0; i < 2; i++)
		if (diff_read(path[i], &list[i], &document[i], err) < 0) {
			err->class = err->class == ERROR_FAILED ? TROUBLE : err->class;
			return -1;
		}
	if (document[0] != document[1])
		return error_set(err, ERROR_USAGE, "%s and %s: one is an image, the other a JSON document", path[0],
				 path[1]);
	*ret_document = document[0];
	diff_compare(&list[0], &list[1], diff);
	return 0;
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	struct diff_list list[2] = { 0 };
	CLEANUP(diff_done) struct diff diff = { 0 };
	bool document = false;
	int rc = compare(argv, &diff, list, &document, err);

	if (rc == 0) {
		print(&diff);
		if (diff.changes.n)
			rc = error_set(err, ERROR_FAILED, "%s and %s differ in %zu place%s", argv[0], argv[1],
				       diff.changes.n, diff.changes.n == 1 ? "" : "s");
		else if (!document)
			rc = compare_bytes(argv, err);
	}
	diff_list_done(&list[0]);
	diff_list_done(&list[1]);
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
	.description = "A and B are two images, two manifests or two locks. Each line of the output is a change: - "
		       "removed, + added, ~ changed, and how.\n"
		       "The exit status is that of diff(1): 0 for equal, 1 for different, 2 and above for an error.",
	.examples = examples,
	.options = options,
	.min = 2,
	.max = 2,
	.run = run,
};
