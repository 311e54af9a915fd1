/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/gomod/go_error.h"
#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/goproxy.h"
#include "builder/gomod/gosum.h"
#include "builder/gomod/module_cache.h"
#include "builder/lock/lock_component.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define TEXT_MAX (16u << 20) /* go.mod, go.sum, .info */
#define PATCHES_MAX 1000     /* patch releases of one minor */

/* A Go command with the network. */
static int online(struct go_tree *t, const char *directory, struct strings *argv, bool change, struct text *output,
		  struct error *err)
{
	CLEANUP(strings_done) struct strings extra = { 0 };
	struct go_run run = {
		.directory = directory, .argv = argv, .extra = &extra, .network = true, .output = output
	};

	if (change)
		strings_add(&extra, "GOFLAGS=-mod=mod");
	return go_tree_run(t, &run, err);
}

/* The newest patch release of c->version, a minor: what the module has, compared with the tag of each possible one. */
static char *newest(const struct component *c, const struct json *versions)
{
	char *found = NULL;

	for (int patch = 0; patch < PATCHES_MAX; patch++) {
		CLEANUP(free_p) char *version = xasprintf("%s.%d", c->version, patch);
		CLEANUP(free_p) char *tag = gomod_tag(c, version);
		for (size_t i = 0; i < json_count(versions); i++)
			if (text_same(json_as_string(json_at(versions, i)), tag)) {
				free(found);
				found = xstrdup(version);
				break;
			}
	}
	return found;
}

static int find_release(struct go_tree *t, const struct component *c, char **ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(json_free_p) struct json *json = NULL;

	if (gomod_is_release(c->version)) {
		*ret = xstrdup(c->version);
		return 0;
	}
	strings_add_all(&argv, "go", "list", "-m", "-versions", "-json", c->go.module, NULL);
	if (online(t, ".", &argv, false, &output, err) < 0 ||
	    json_parse("go list", output.data ? output.data : "", output.len, &json, err) < 0)
		return -1;
	*ret = newest(c, json_get(json, "Versions"));
	if (*ret)
		return 0;
	return error_set(err, ERROR_INPUT, "the module %s has no release of %s; request another version", c->go.module,
			 c->version);
}

/* A path inside the sandbox as one relative to the work directory. */
static const char *outside(const char *path)
{
	return path && text_starts(path, TOOLCHAIN_WORK "/") ? path + strlen(TOOLCHAIN_WORK "/") : "";
}

static int64_t date_of(const struct text *info)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error ignored = { 0 };
	struct tm tm = { 0 };

	if (json_parse("info", info->data ? info->data : "", info->len, &json, &ignored) < 0)
		return 0;
	const char *time = json_get_string(json, "Time");
	if (!time || !strptime(time, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	time_t date = timegm(&tm);
	return date > 0 ? date : 0;
}

static int refused(const char *said, struct error *err)
{
	CLEANUP(go_error_done) struct go_error why = { .network = true };

	(void)error_set(err, ERROR_NETWORK, "%s", said);
	go_error_add(&why, said);
	go_error_explain(&why, err);
	return -1;
}

/* Downloads the component's module; *ret_go_mod gets its go.mod. */
static int download(struct go_tree *t, const struct component *c, struct lock_component *ret, struct text *ret_go_mod,
		    struct error *err)
{
	CLEANUP(free_p) char *tag = gomod_tag(c, ret->version);
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 }, info = { 0 };
	CLEANUP(json_free_p) struct json *json = NULL;

	strings_add_all(&argv, "go", "mod", "download", "-json", NULL);
	strings_addf(&argv, "%s@%s", c->go.module, tag);
	int rc = online(t, ".", &argv, false, &output, err);
	if (output.len && json_parse("go mod download", output.data, output.len, &json, err) < 0)
		return -1;
	if (json && json_get_string(json, "Error"))
		return refused(json_get_string(json, "Error"), err);
	if (rc < 0)
		return -1;
	if (file_read_in(t->workfd, outside(json_get_string(json, "GoMod")), TEXT_MAX, ret_go_mod, err) < 0 ||
	    file_read_in(t->workfd, outside(json_get_string(json, "Info")), TEXT_MAX, &info, err) < 0)
		return -1;
	ret->date = date_of(&info);
	return 0;
}

static int tidy(struct go_tree *t, const struct component *c, const char *of_component, struct lock_component *ret,
		struct error *err)
{
	CLEANUP(text_done) struct text go_mod = { 0 }, tidied = { 0 }, sums = { 0 };
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(free_p) char *directory = xasprintf(GOMOD_MAIN "/%s", c->name);
	CLEANUP(free_p)
	char *mod_file = xasprintf("%s/go.mod", directory), *sum_file = xasprintf("%s/go.sum", directory);
	int minor = 0;

	if (gosum_main_module(c, ret->version, of_component, &go_mod, err) < 0 ||
	    gomod_main_module(t, c, go_mod.data, err) < 0)
		return -1;
	size_t len;
	const char *series = gosum_go_line(go_mod.data, &len);
	strings_add_all(&argv, "go", "mod", "tidy", NULL);
	if (series && sscanf(series, "1.%d", &minor) == 1)
		strings_addf(&argv, "-compat=1.%d", minor); /* no checksums that only an older Go needs */
	if (online(t, directory, &argv, true, NULL, err) < 0 ||
	    file_read_in(t->workfd, mod_file, TEXT_MAX, &tidied, err) < 0 ||
	    file_read_in(t->workfd, sum_file, TEXT_MAX, &sums, err) < 0)
		return -1;
	ret->go_mod = text_take(&tidied);
	return gosum_parse(sums.data ? sums.data : "", ret, err);
}

static int keep_file(struct go_tree *t, const char *scratch, const struct lock_module *m, enum module_file file,
		     struct error *err)
{
	struct cache *cache = t->toolchain.cache;
	CLEANUP(free_p) char *path = goproxy_file(m->path, m->version, module_file_suffix[file]);
	CLEANUP(free_p) char *from = xasprintf(GO_TREE_DOWNLOADS "/%s", path);
	CLEANUP(free_p) char *to = xasprintf("%s/file", scratch);

	if (module_cache_has(cache, m, file) || !file_exists_in(t->workfd, from))
		return 0;
	CLEANUP(close_p) int in = file_open_in(t->workfd, from, O_RDONLY | O_NOFOLLOW, 0);
	CLEANUP(close_p) int out = openat(cache->fd, to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (in < 0 || out < 0)
		return error_set(err, ERROR_FAILED, "copy %s into the cache: %m", path);
	if (copy_all(in, out, err) < 0)
		return -1;
	return module_cache_store(cache, to, out, m, file, "Go's download", err);
}

/* What Go has downloaded goes into the cache, so that the build need not download it. */
static int keep_modules(struct go_tree *t, const struct lock_component *c, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error ignored = { 0 };
	int rc = 0;

	if (cache_scratch(t->toolchain.cache, &scratch, &fd, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < c->modules.n; i++) {
		const struct lock_module *m = &c->modules.at[i];
		if (m->sum)
			rc = keep_file(t, scratch, m, MODULE_ZIP, err);
		if (rc == 0)
			rc = keep_file(t, scratch, m, MODULE_GO_MOD, err);
	}
	if (tree_remove(t->toolchain.cache->fd, scratch, &ignored) < 0)
		log_debug("%s", ignored.text);
	return rc;
}

static int solve(const struct gomod *g, struct go_tree *t, const struct component *c, struct error *err)
{
	CLEANUP(lock_component_done) struct lock_component solution = { .source = COMPONENT_GO_MODULES };
	CLEANUP(text_done) struct text of_component = { 0 };

	solution.name = xstrdup(c->name);
	solution.go_package = xstrdup(go_tree_package(t->toolchain.lock));
	if (find_release(t, c, &solution.version, err) < 0)
		return -1;
	CLEANUP(lock_component_done) struct lock_component known = { 0 };
	if (gomod_solution_load(g, c, solution.version, &known))
		return gomod_solution_store(g, c, &known, err);
	if (download(t, c, &solution, &of_component, err) < 0 ||
	    tidy(t, c, of_component.data ? of_component.data : "", &solution, err) < 0 ||
	    keep_modules(t, &solution, err) < 0)
		return -1;
	return gomod_solution_store(g, c, &solution, err);
}

static int load_known(const struct gomod *g, const struct component *c, struct lock_component *ret)
{
	CLEANUP(free_p) char *version = gomod_solution_release(g, c);

	return version && gomod_solution_load(g, c, version, ret);
}

static int solve_all(const struct gomod *g, const struct lock *lock UNUSED, struct go_tree *t, struct error *err)
{
	if (go_tree_online(t, err) < 0)
		return -1;
	for (size_t i = 0; i < g->n; i++) {
		const struct component *c = &g->components[i];
		CLEANUP(lock_component_done) struct lock_component known = { 0 };
		if (c->source != COMPONENT_GO_MODULES || load_known(g, c, &known))
			continue;
		if (solve(g, t, c, err) < 0)
			return error_wrap(err, "component %s %s", c->name, c->version);
	}
	return 0;
}

/* "1.27" of "... requires go >= 1.27.1 ..."; owned by the caller, or NULL. */
static char *needed_series(const char *message)
{
	const char *found = strstr(message, GO_ERROR_TOO_OLD);
	int minor;

	return found && sscanf(found + strlen(GO_ERROR_TOO_OLD), "1.%d", &minor) == 1 ? xasprintf("1.%d", minor) : NULL;
}

/* What is not solved yet is solved now; the answers are in the cache. */
static int solve_missing(const struct gomod *g, const struct lock *lock, struct error *err)
{
	bool all = true;

	for (size_t i = 0; i < g->n; i++) {
		CLEANUP(lock_component_done) struct lock_component known = { 0 };
		if (g->components[i].source == COMPONENT_GO_MODULES)
			all &= load_known(g, &g->components[i], &known);
	}
	if (all)
		return 0;
	if (g->cache->offline)
		return error_set(err, ERROR_NETWORK,
				 "the modules of the components are not resolved, and --offline asks no proxy; run "
				 "`nodekiln lock` once without --offline");
	return gomod_in_tree(g, lock, solve_all, err);
}

static int add_solutions(const struct gomod *g, struct lock *lock, struct error *err)
{
	struct gomod now = *g;

	now.update = false;
	for (size_t i = 0; i < g->n; i++) {
		struct lock_component solution = { 0 };
		if (g->components[i].source != COMPONENT_GO_MODULES)
			continue;
		if (!load_known(&now, &g->components[i], &solution))
			return error_set(err, ERROR_FAILED, "the solution of component %s has left the cache",
					 g->components[i].name);
		free(solution.go_package);
		solution.go_package = xstrdup(go_tree_package(lock));
		vec_push(&lock->components, solution);
	}
	return 0;
}

int gomod_lock(const struct gomod *g, struct lock *lock, char **ret_series, struct error *err)
{
	*ret_series = NULL;
	if (solve_missing(g, lock, err) < 0) {
		*ret_series = needed_series(err->text);
		return -1;
	}
	return add_solutions(g, lock, err);
}

char *gomod_series(const struct lock *lock)
{
	int newest_minor = -1, minor;

	for (size_t i = 0; i < lock->components.n; i++) {
		size_t len;
		const char *text = lock->components.at[i].go_mod, *line = text ? gosum_go_line(text, &len) : NULL;
		if (line && sscanf(line, "1.%d", &minor) == 1 && minor > newest_minor)
			newest_minor = minor;
	}
	return newest_minor >= 0 ? xasprintf("1.%d", newest_minor) : NULL;
}
