/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/apt/apt_solve.h"
#include "builder/apt/resolve_internal.h"
#include "lib/alloc.h"

#define SUITE "trixie" /* its backports have every Go that is supported */
#define BACKPORTS SUITE "-backports"

static const char *const always[] = { "?essential", "gcc", "libc6-dev" };

/* N of "golang-1.N-go"; -1 for another name. */
static int series_of(const char *name)
{
	int n = -1, end = 0;

	return sscanf(name, "golang-1.%d-go%n", &n, &end) == 1 && end && !name[end] ? n : -1;
}

char *resolve_go_choose(const char *names, const char *series)
{
	CLEANUP(free_p) char *copy = xstrdup(names);
	int wanted = -1, newest = -1, second = -1, oldest = -1;
	char *rest = copy, *line;

	if (series && sscanf(series, "1.%d", &wanted) != 1)
		return NULL;
	while ((line = strsep(&rest, "\n"))) {
		int n = series_of(line);
		if (n > newest) {
			second = newest;
			newest = n;
		} else if (n > second && n < newest) {
			second = n;
		}
		if (n >= 0 && n >= wanted && (oldest < 0 || n < oldest))
			oldest = n;
	}
	int chosen = series ? oldest : second >= 0 ? second : newest;
	return chosen >= 0 ? xasprintf("golang-1.%d-go", chosen) : NULL;
}

/* The sources of the recipe, as if it were one of this suite. All fields are borrowed from it. */
static int make_sources(const struct recipe *recipe, const struct mirror_options *options, struct mirror *found,
			struct sources *ret, struct error *err)
{
	struct recipe of_tree = { .architecture = recipe->architecture,
				  .agent.libcurl = AGENT_LIBCURL_PACKAGED, /* no source packages */
				  .distribution = { .id = recipe->distribution.id,
						    .suite = SUITE,
						    .mirror = recipe->distribution.mirror,
						    .security_mirror = recipe->distribution.security_mirror,
						    .updates = recipe->distribution.updates,
						    .security = recipe->distribution.security,
						    .expired = recipe->distribution.expired,
						    .keyring = recipe->distribution.keyring } };

	if (mirror_find(&of_tree, options, found, err) < 0 || sources_make(&of_tree, found, ret, err) < 0)
		return -1;
	struct source backports = { .url = xstrdup(found->archive),
				    .suite = xstrdup(BACKPORTS),
				    .expired = recipe->distribution.expired };
	backports.keyring = xstrdup_or_null(recipe->distribution.keyring);
	strings_add(&backports.components, "main");
	vec_push(&ret->list, backports);
	return sources_read_keys(ret, err);
}

static int choose(const struct apt *apt, const char *series, char **ret, struct error *err)
{
	CLEANUP(text_done) struct text names = { 0 };
	char *argv[] = { "apt-cache", "pkgnames", "golang-1.", NULL };

	if (apt_run(apt->path, argv, &names, err) < 0)
		return -1;
	*ret = resolve_go_choose(names.data ? names.data : "", series);
	if (*ret)
		return 0;
	CLEANUP(free_p) char *newest = resolve_go_choose(names.data ? names.data : "", "1.0");
	if (!newest)
		return error_set(err, ERROR_INPUT, "the mirror has no package of Go (golang-1.N-go) in %s", BACKPORTS);
	return error_set(err, ERROR_INPUT,
			 "a component needs Go %s or newer, and %s has no package of it; request an older minor of the "
			 "component, or wait for golang-%s-go in %s",
			 series, BACKPORTS, series, BACKPORTS);
}

static void request_digest(const struct strings *request, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	for (size_t i = 0; i < request->n; i++)
		hash_field(h, "go", request->at[i]);
	hash_hex(h, ret_hex);
}

static int solve(const struct apt *apt, const struct strings *request, struct lock *ret, struct error *err)
{
	CLEANUP(apt_solve_done) struct apt_solve s = { .apt = apt, .answer = -1 };
	char digest[SHA256_HEX];

	request_digest(request, digest);
	if (resolve_solution_load(apt, digest, ret))
		return 0;
	strings_append(&s.packages, request);
	if (apt_solve_start(&s, err) < 0 || apt_solve_wait(&s, ret, LOCK_GO, NULL, err) < 0)
		return -1;
	return resolve_solution_store(apt, digest, ret, err);
}

/* Moves the group; what was in the lock goes to `from`, which is freed. */
static void replace_group(struct lock *lock, struct lock *from)
{
	__typeof__(lock->group[LOCK_GO]) old = lock->group[LOCK_GO];

	lock->group[LOCK_GO] = from->group[LOCK_GO];
	from->group[LOCK_GO] = old;
}

int resolve_go(const struct recipe *recipe, const struct resolve_options *options, const char *series,
	       const struct strings *packages, struct cache *cache, struct lock *lock, char **ret_package,
	       struct error *err)
{
	CLEANUP(mirror_done) struct mirror mirror = { 0 };
	CLEANUP(sources_done) struct sources sources = { 0 };
	CLEANUP(apt_close) struct apt apt = { .fd = -1 };
	CLEANUP(strings_done) struct strings request = { 0 };
	CLEANUP(lock_done) struct lock solved = { 0 };
	CLEANUP(free_p) char *package = NULL;

	if (make_sources(recipe, &options->mirror, &mirror, &sources, err) < 0)
		return error_wrap(err, "the tree with Go");
	if (apt_open(&sources, options->update, cache, &apt, err) < 0) {
		mirror_explain(&mirror, err);
		return error_wrap(err, "the tree with Go");
	}
	if (choose(&apt, series, &package, err) < 0)
		return error_wrap(err, "the tree with Go");
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		strings_add(&request, always[i]);
	strings_add(&request, package);
	strings_append(&request, packages);
	if (solve(&apt, &request, &solved, err) < 0)
		return error_wrap(err, "the tree with Go");
	replace_group(lock, &solved);
	*ret_package = TAKE(package);
	return 0;
}
