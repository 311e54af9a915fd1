/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/image/verify.h"
#include "builder/sandbox/confine.h"

#define FILES_MAX 64

static bool as_json, as_sarif;
static struct strings accept;
static const char *keyring;

static const struct option_spec options[] = {
	{ "--accept", OPTION_LIST, &accept, "KIND:PATH",
	  "accept findings of a kind at a path, which may be a shell pattern (may be repeated)" },
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the findings as one JSON object" },
	{ "--keyring", OPTION_VALUE, &keyring, "FILE",
	  "SHA256SUMS next to the files must be signed by a key of this keyring (binary, as for gpgv)" },
	{ "--sarif", OPTION_FLAG, &as_sarif, NULL, "print the findings as SARIF 2.1.0, for code hosts and CI systems" },
	{ 0 },
};

/* The name of the kind is what --accept needs. */
static void print_findings(const struct verify *v)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < v->faults.list.n; i++) {
		const struct fault *f = &v->faults.list.at[i];
		const struct fault_kind *kind = &fault_kinds[f->id];
		text_addf(&text, "%s: %s: %s [%s]\n", v->path,
			  f->accepted ? "accepted" : fault_severity_names[kind->severity], f->text, kind->name);
	}
	if (!faults_errors(&v->faults))
		text_addf(&text, "%s: passed\n", v->path);
	command_print(&text);
}

static struct json *file_json(const struct verify *v)
{
	struct json *file = json_object();

	json_put_string(file, "file", v->path);
	json_put_bool(file, "passed", faults_errors(&v->faults) == 0);
	json_put(file, "findings", faults_json(&v->faults));
	return file;
}

static struct json *files_json(struct json *files, size_t errors)
{
	struct json *all = json_object();

	json_put_bool(all, "passed", errors == 0);
	json_put(all, "files", files);
	return all;
}

static void print(const struct json *json)
{
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, true, &text);
	command_print(&text);
}

/* Prints a file's findings, or adds them to what is printed at the end. */
static void report(const struct verify *v, struct json *all)
{
	if (as_sarif)
		faults_sarif_results(&v->faults, v->path, all);
	else if (as_json)
		json_push(all, file_json(v));
	else
		print_findings(v);
}

static int check_options(struct error *err)
{
	if (as_json && as_sarif)
		return error_set(err, ERROR_USAGE, "--json and --sarif exclude each other");
	for (size_t i = 0; i < accept.n; i++) {
		const char *fault = fault_accept_error(accept.at[i]);
		if (fault)
			return error_set(err, ERROR_USAGE, "--accept %s: %s", accept.at[i], fault);
	}
	return 0;
}

/* Opens all artifacts, gives up all rights, and reads them. */
static int verify_all(struct verify *v, char **path, size_t n, struct json *all, size_t *ret_errors, struct error *err)
{
	const struct verify_options how = { .accept = &accept, .keyring = keyring };

	for (size_t i = 0; i < n; i++)
		if (verify_open(path[i], &how, &v[i], err) < 0)
			return -1;
	if (confine(err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (verify_load(&v[i], err) < 0)
			return -1;
		*ret_errors += faults_errors(&v[i].faults);
		report(&v[i], all);
		verify_done(&v[i]);
	}
	return 0;
}

static void print_all(struct json *all, size_t errors)
{
	CLEANUP(json_free_p)
	struct json *json = as_sarif ? faults_sarif_log(all) : files_json(all, errors);

	print(json);
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(json_free_p) struct json *all = json_array();
	struct verify v[FILES_MAX] = { 0 };
	size_t errors = 0;

	if (check_options(err) < 0)
		return -1;
	int rc = verify_all(v, argv, (size_t)argc, all, &errors, err);
	for (size_t i = 0; i < FILES_MAX; i++)
		verify_done(&v[i]);
	if (rc < 0)
		return -1;
	if (as_json || as_sarif)
		print_all(TAKE(all), errors);
	if (errors)
		return error_set(err, ERROR_VERIFY, "%zu finding%s; correct the recipe and build the image again",
				 errors, errors == 1 ? "" : "s");
	return 0;
}

static const char *const examples[] = { "nodekiln verify out/debian-13.qcow2 out/debian-13.tar.zst",
					"nodekiln verify --sarif out/debian-13.qcow2",
					"nodekiln verify --accept setuid:/usr/bin/tool out/debian-13.qcow2", NULL };

const struct command command_verify = {
	.name = "verify",
	.arguments = "FILE...",
	.summary =
		"check finished artifacts: nothing of the builder is left, and everything that a node needs is present",
	.description = "It reads the finished files, not the tree that they were made from. Nothing is left of the "
		       "machine that built the image: machine-id, host keys, logs, caches, seeds. No user can log in, "
		       "and nothing is secret: accounts with the user id 0, passwords, authorized keys, private keys, "
		       "credentials in the configuration of apt, of services and of clients. Nothing has rights that "
		       "it should not have: set-user-ID programs, capabilities, write permissions, preloaded "
		       "libraries. Each file is from a package, unchanged, from an overlay or from a step of the "
		       "build. And what a node needs is there: enabled units, programs, images.\n"
		       "Each finding is of a kind, which has a severity; docs/build.md has the table. Errors make the "
		       "exit status 9, warnings do not. `--accept` is for what a recipe does on purpose.\n"
		       "The files are parsed without any rights, in a user namespace of their own where the host "
		       "allows one: images may be hostile.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = FILES_MAX,
	.run = run,
};
