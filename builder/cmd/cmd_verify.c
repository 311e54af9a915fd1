/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/image/verify.h"

static bool as_json;

static const struct option_spec options[] = {
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the findings as one JSON object" },
	{ 0 },
};

static void print_findings(const struct verify *v)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < v->findings.n; i++)
		text_addf(&text, "%s: %s\n", v->path, v->findings.at[i]);
	if (!v->findings.n)
		text_addf(&text, "%s: passed\n", v->path);
	command_print(&text);
}

static struct json *findings_json(const struct verify *v)
{
	struct json *file = json_object();

	json_put_string(file, "file", v->path);
	json_put_bool(file, "passed", v->findings.n == 0);
	json_put_strings(file, "findings", &v->findings);
	return file;
}

static void print_json(struct json *files, size_t findings)
{
	CLEANUP(json_free_p) struct json *all = json_object();
	CLEANUP(text_done) struct text text = { 0 };

	json_put_bool(all, "passed", findings == 0);
	json_put(all, "files", files);
	json_print(all, true, &text);
	command_print(&text);
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(json_free_p) struct json *files = json_array();
	size_t findings = 0;

	for (int i = 0; i < argc; i++) {
		CLEANUP(verify_done) struct verify v = { 0 };
		if (verify_file(argv[i], &v, err) < 0)
			return -1;
		findings += v.findings.n;
		if (as_json)
			json_push(files, findings_json(&v));
		else
			print_findings(&v);
	}
	if (as_json)
		print_json(TAKE(files), findings);
	if (findings)
		return error_set(err, ERROR_VERIFY, "%zu finding%s; correct the recipe and build the image again",
				 findings, findings == 1 ? "" : "s");
	return 0;
}

static const char *const examples[] = { "nodekiln verify out/debian-13.qcow2 out/debian-13.tar.zst", NULL };

const struct command command_verify = {
	.name = "verify",
	.arguments = "FILE...",
	.summary =
		"check finished artifacts: nothing of the builder is left, and everything that a node needs is present",
	.description = "It reads the finished files, not the tree that they were made from: an empty machine-id, no "
		       "host keys, no password hashes, no seeds, logs or caches, the recipe's units enabled, the "
		       "sandbox image that kubeadm wants. The exit status is 9 when there is a finding.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 64,
	.run = run,
};
