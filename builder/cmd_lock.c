/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache.h"
#include "builder/command.h"
#include "builder/lock.h"
#include "builder/report.h"
#include "builder/resolve.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define DEFAULT_RECIPE "debian-12"

static struct resolve_options resolving;
static struct strings settings;
static const char *out;

static const struct option_spec options[] = {
	{ "--mirror", OPTION_VALUE, &resolving.mirror, "URL",
	  "the distribution's mirror (default: the recipe's, else the host's)" },
	{ "--update", OPTION_FLAG, &resolving.update, NULL, "ask the mirror for news first" },
	{ "--set", OPTION_LIST, &settings, "KEY=VALUE", "override a key of the recipe, e.g. disk.size=20G" },
	{ "-o", OPTION_VALUE, &out, "FILE",
	  "write to FILE, - for stdout (default: NAME.lock.json in the current directory)" },
	{ 0 },
};

static int write_lock(const struct lock *lock, const char *file, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = lock_json(lock);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, true, &text);
	if (strcmp(file, "-"))
		return file_write(AT_FDCWD, file, text.data, text.len, 0644, err);
	return write_all(STDOUT_FILENO, text.data, text.len) < 0 ? error_set(err, ERROR_FAILED, "write the lock: %m")
								 : 0;
}

static int lock_recipe(const struct recipe *recipe, const char *file, struct error *err)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	report_begin("resolve", "%s", recipe->distribution.suite);
	if (cache_open(&cache, err) < 0 || resolve(recipe, &resolving, &cache, &lock, err) < 0 ||
	    write_lock(&lock, file, err) < 0)
		return -1;
	report_end("resolve", "%zu packages in base, %zu for vm, %zu for lxc: %s", lock.group[LOCK_BASE].n,
		   lock.group[LOCK_VM].n, lock.group[LOCK_LXC].n, file);
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(free_p) char *beside = NULL;

	if (recipe_load_with(argc ? argv[0] : DEFAULT_RECIPE, &settings, &recipe, err) < 0)
		return -1;
	beside = lock_default_path(&recipe);
	report_open(REPORT_AUTO);
	int rc = lock_recipe(&recipe, out ? out : beside, err);
	if (rc < 0)
		report_failure(err);
	report_close();
	strings_done(&settings);
	return rc;
}

const struct command command_lock = {
	.name = "lock",
	.arguments = "[RECIPE]",
	.summary = "write down exactly which packages an image is made of (for `build --locked`)",
	.options = options,
	.max = 1,
	.run = run,
};
