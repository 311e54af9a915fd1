/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "builder/advisory/advisory.h"
#include "builder/apt/resolve.h"
#include "builder/cache/cache.h"
#include "builder/cmd/command.h"
#include "builder/cmd/interrupt.h"
#include "builder/lock/lock.h"
#include "builder/lock/lock_diff.h"
#include "builder/pipeline/lock_make.h"
#include "builder/progress/progress.h"
#include "builder/recipe/recipe.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

static struct resolve_options resolving;
static struct strings settings;
static const char *file, *advisories, *wanted; /* wanted: the recipe, as it was named */
static bool check, as_json;

static const struct option_spec options[] = {
	{ "--mirror", OPTION_URL, &resolving.mirror.archive, "URL",
	  "the distribution's mirror (default: the recipe's, else the host's)" },
	{ "--security-mirror", OPTION_URL, &resolving.mirror.security, "URL",
	  "the mirror of its security updates (default: the recipe's, else next to --mirror, as URL-security)" },
	{ "--update", OPTION_FLAG, &resolving.update, NULL, "refresh the package indices first" },
	{ "--check", OPTION_FLAG, &check, NULL,
	  "write nothing; print what is newer than the lock, exit with 11, or 12 for security updates" },
	{ "--advisories", OPTION_URL, &advisories, "URL|DIR",
	  "with --check: also print known vulnerabilities of the Go modules in the lock; a Go vulnerability database, "
	  "or a "
	  "directory of OSV files" },
	{ "--json", OPTION_FLAG, &as_json, NULL, "print events as JSON lines; with --check what is newer, as JSON" },
	{ "--set", OPTION_LIST, &settings, "KEY=VALUE", "override a key of the recipe, e.g. disk.size=20G" },
	{ "-o", OPTION_VALUE, &file, "FILE",
	  "the lock file, - for stdout (default: NAME.lock.json in the current directory)" },
	{ 0 },
};

/* --json */
static void report(void)
{
	CLEANUP(json_free_p) struct json *result = json_object();

	json_put_string(result, "recipe", wanted);
	json_put_string(result, "file", file);
	progress_result(result);
}

static int write_lock(const struct lock *lock, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = lock_json(lock);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, true, &text);
	if (!strcmp(file, "-")) {
		command_print(&text);
		return 0;
	}
	if (file_write(AT_FDCWD, file, text.data, text.len, 0644, err) < 0)
		return -1;
	log_info("%s: written; `nodekiln build %s --lock %s` uses it", file, wanted, file);
	report();
	return 0;
}

static int resolve_now(const struct recipe *recipe, struct cache *cache, struct lock *ret, struct error *err)
{
	progress_begin("resolve", "%s", recipe->distribution.suite);
	if (lock_make(recipe, &resolving, cache, NULL, NULL, ret, err) < 0)
		return -1;
	progress_end("resolve", "%zu packages in base, %zu for vm, %zu for lxc", ret->group[LOCK_BASE].n,
		     ret->group[LOCK_VM].n + ret->group[LOCK_EXTRA_VM].n,
		     ret->group[LOCK_LXC].n + ret->group[LOCK_EXTRA_LXC].n);
	return 0;
}

static int lock_recipe(const struct recipe *recipe, struct error *err)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	if (cache_open(&cache, err) < 0 || resolve_now(recipe, &cache, &lock, err) < 0)
		return -1;
	return write_lock(&lock, err);
}

static void print(const struct lock_diff *changes)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *json = as_json ? lock_diff_json(changes) : NULL;

	if (json)
		json_print(json, true, &text);
	else
		lock_diff_print(changes, &text);
	command_print(&text);
}

static int report_outdated(const struct lock_diff *changes, struct error *err)
{
	size_t security = lock_diff_security(changes), outdated = lock_diff_outdated(changes);

	if (!outdated)
		return 0;
	return error_set(err, security ? ERROR_SECURITY_UPDATE : ERROR_OUTDATED,
			 "%s is out of date in %zu place%s, %zu of them security updates; "
			 "run `nodekiln lock --update` to update it",
			 file, outdated, outdated == 1 ? "" : "s", security);
}

/* What the lock's components and the user's advisories say about the lock itself. */
static int add_warnings(const struct recipe *recipe, const struct lock *locked, struct cache *cache,
			struct lock_diff *ret, struct error *err)
{
	CLEANUP(advisories_done) struct advisories known = { 0 };
	time_t today = time(NULL);

	for (size_t i = 0; i < locked->components.n; i++) {
		const struct lock_component *c = &locked->components.at[i];
		const struct component *file_of = recipe_component(recipe, c->name);

		if (file_of)
			lock_diff_end_of_life(ret, c->name, c->version, component_end_of_life(file_of, c->version),
					      today);
	}
	if (!advisories)
		return 0;
	advisories_modules(locked, &known);
	if (advisories_find(advisories, cache, today, &known, err) < 0)
		return -1;
	advisories_report(&known, ret);
	return 0;
}

/* Compares with the repositories' current indices, never with cached ones. */
static int check_lock(const struct recipe *recipe, struct error *err)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	CLEANUP(lock_done) struct lock locked = { 0 }, now = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff changes = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text versions = { 0 };

	resolving.update = true;
	resolving.like = &locked;
	if (lock_load(file, &locked, err) < 0 || lock_belongs(&locked, file, recipe, err) < 0 ||
	    cache_open(&cache, err) < 0 || resolve_now(recipe, &cache, &now, err) < 0)
		return -1;
	lock_diff_compare(&locked, &now, &changes);
	lock_diff_names(&changes, &names);
	if (resolve_versions(recipe, &resolving, &cache, &names, &versions, err) < 0)
		return -1;
	lock_diff_mark_security(&changes, versions.data ? versions.data : "");
	if (add_warnings(recipe, &locked, &cache, &changes, err) < 0)
		return -1;
	print(&changes);
	return report_outdated(&changes, err);
}

static void show_warnings(const struct recipe *recipe)
{
	CLEANUP(strings_done) struct strings warnings = { 0 };

	recipe_life_warnings(recipe, time(NULL), &warnings);
	for (size_t i = 0; i < warnings.n; i++)
		progress_notice("%s", warnings.at[i]);
}

/* stdout is the lock's own with -o -, and what is newer with --check. */
static enum progress_style style(void)
{
	return as_json && !check && strcmp(file, "-") ? PROGRESS_JSON : PROGRESS_AUTO;
}

/* job_fn */
static int work(void *context, struct error *err)
{
	const struct recipe *recipe = context;

	if (lock_make_compiles(recipe) && rootless_enter(err) < 0)
		return -1;
	progress_open(style());
	show_warnings(recipe);
	int rc = check ? check_lock(recipe, err) : lock_recipe(recipe, err);
	if (rc < 0)
		progress_failure(err);
	progress_close();
	fflush(stdout); /* a job ends without it */
	return rc;
}

/* Opening the cache removes what a killed run has left. job_fn */
static int tidy(void *context, struct error *err)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	const struct recipe *recipe = context;

	if (lock_make_compiles(recipe) && rootless_enter(err) < 0)
		return -1;
	return cache_open(&cache, err);
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(free_p) char *default_path = NULL;

	wanted = argc ? argv[0] : RECIPE_DEFAULT;
	if (advisories && !check)
		return error_set(err, ERROR_USAGE, "--advisories is about an existing lock; use it with --check");
	if (recipe_load_with(wanted, &settings, &recipe, err) < 0)
		return -1;
	default_path = lock_default_path(&recipe);
	file = file ? file : default_path;
	if (!check && strcmp(file, "-") && (lock_check_output(file, err) < 0 || dir_make_parent(file, 0755, err) < 0))
		return -1;
	int rc = interrupt_run(work, tidy, &recipe,
			       check ? "nothing is left" : "the lock is as it was, or new; nothing else is left", err);
	strings_done(&settings);
	file = advisories = NULL;
	return rc;
}

static const char *const examples[] = { "nodekiln lock debian-13", "nodekiln lock debian-13 --check",
					"nodekiln lock debian-13 --check --advisories https://vuln.go.dev",
					"nodekiln lock debian-13 --update", NULL };

const struct command command_lock = {
	.name = "lock",
	.arguments = "[RECIPE]",
	.summary = "write the exact packages of an image to a lock file (for `build --locked`), or check that they are "
		   "the newest",
	.description =
		"A lock pins every package by version and SHA-256. It belongs to its recipe: when the recipe "
		"changes, `build --locked` reports that the lock is out of date.\n"
		"`--check` compares the lock with what the repositories have now. A security update is a "
		"version newer than the locked one in a suite that is called `*-security`. Of components it prints "
		"newer versions, and minors that have ended or end within 90 days. `--advisories` adds known "
		"vulnerabilities of the modules in the lock and of Go's standard library: from a URL or directory "
		"with the layout of the Go vulnerability database, or a directory of OSV files. They count as "
		"security updates.",
	.examples = examples,
	.options = options,
	.max = 1,
	.run = run,
};
