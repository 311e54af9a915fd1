/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/apt_text.h"
#include "builder/request.h"
#include "builder/solve.h"
#include "builder/tree_database.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define SOLUTION_MAX (16u << 20)

/* One recipe on its way to a lock. */
struct resolution {
	const struct recipe *recipe; /* borrowed */
	struct request request;
	struct apt apt;
	struct solve solve[LOCK_GROUPS];
	struct cache *cache; /* borrowed */
	char *scratch;       /* owned; ours below the cache */
	int scratch_fd;      /* owned */
	char *status
		[LOCK_GROUPS]; /* owned; files there, each says what is installed below the groups that build on it */
	struct lock lock;
};

static void resolution_done(struct resolution *r)
{
	struct error ignored = { 0 };

	for (size_t g = 0; g < LOCK_GROUPS; g++)
		solve_done(&r->solve[g]);
	request_done(&r->request);
	apt_close(&r->apt);
	if (r->scratch && tree_remove(r->cache->fd, r->scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next sweep gets it */
	close_p(&r->scratch_fd);
	free(r->scratch);
	for (size_t g = 0; g < LOCK_GROUPS; g++)
		free(r->status[g]);
	lock_done(&r->lock);
}

static int open_apt(struct resolution *r, const struct resolve_options *options, struct error *err)
{
	CLEANUP(mirror_done) struct mirror mirror = { 0 };
	CLEANUP(sources_done) struct sources sources = { 0 };

	if (mirror_find(r->recipe, options->mirror, &mirror, err) < 0 ||
	    sources_make(r->recipe, &mirror, &sources, err) < 0 || sources_read_keys(&sources, err) < 0)
		return -1;
	if (r->recipe->distribution.security && !mirror.security)
		log_warning("no mirror of %s's security updates is known; name one in distribution.security_mirror",
			    r->recipe->distribution.id);
	return apt_open(&sources, options->update, r->cache, &r->apt, err);
}

/* Upon what a group is installed; what is below base, is nothing. */
static enum lock_group below(enum lock_group group)
{
	switch (group) {
	case LOCK_VM:
	case LOCK_LXC:
		return LOCK_BASE;
	case LOCK_EXTRA_VM:
		return LOCK_VM;
	case LOCK_EXTRA_LXC:
		return LOCK_LXC;
	default:
		return LOCK_GROUPS;
	}
}

static int start(struct resolution *r, enum lock_group group, struct error *err)
{
	enum lock_group under = below(group);

	if (!r->request.group[group].n)
		return 0;
	r->solve[group] =
		(struct solve){ .apt = &r->apt, .status = under < LOCK_GROUPS ? r->status[under] : NULL, .answer = -1 };
	strings_append(&r->solve[group].packages, &r->request.group[group]);
	return solve_start(&r->solve[group], err);
}

static int finish(struct resolution *r, enum lock_group group, struct text *ret_status, struct error *err)
{
	if (!r->request.group[group].n)
		return 0;
	if (solve_wait(&r->solve[group], &r->lock, group, ret_status, err) < 0)
		return error_wrap(err, "packages of %s", lock_group_names[group]);
	return 0;
}

/* apt was told not to remove anything, and so the only way to change what is below is another version of it. */
static int check_over(const struct lock *lock, enum lock_group group, enum lock_group under, struct error *err)
{
	for (size_t i = 0; i < lock->group[group].n; i++) {
		const struct lock_package *p = &lock->group[group].at[i], *there = lock_find(lock, under, p->name);
		if (there && !strcmp(there->architecture, p->architecture))
			return error_set(err, ERROR_RECIPE,
					 "packages of %s need %s %s, but %s has %s; name the version that both can "
					 "take in %s",
					 lock_group_names[group], p->name, p->version, lock_group_names[under],
					 there->version, lock_group_names[under]);
	}
	return 0;
}

/* The group's answer; and what it and all below it install as a dpkg status file, for the questions that build on it. */
static int finish_layer(struct resolution *r, enum lock_group group, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };
	const char *name = lock_group_names[group];

	if (below(group) < LOCK_GROUPS && file_read(AT_FDCWD, r->status[below(group)], STATUS_MAX, &status, err) < 0)
		return -1;
	if (finish(r, group, &status, err) < 0)
		return -1;
	for (enum lock_group under = below(group); under < LOCK_GROUPS; under = below(under))
		if (check_over(&r->lock, group, under, err) < 0)
			return -1;
	r->status[group] = xasprintf("%s/%s/%s", r->cache->path, r->scratch, name);
	return file_write(r->scratch_fd, name, status.data ? status.data : "", status.len, 0644, err);
}

/* NAME_VERSION.dsc says which version it is. */
static int add_source(struct resolution *r, const char *name, struct apt_uris *uris, struct error *err)
{
	struct lock_source source = { 0 };

	for (size_t i = 0; i < uris->list.n; i++) {
		struct apt_uri *u = &uris->list.at[i];
		const char *version = strchr(u->file, '_');
		if (version && text_ends(u->file, ".dsc") && !source.version)
			source.version = xstrndup(version + 1, strlen(version + 1) - strlen(".dsc"));
		vec_push(&source.files.list, (struct lock_file){ .name = TAKE(u->file),
								 .url = TAKE(u->url),
								 .sha256 = TAKE(u->sha256),
								 .size = u->size });
	}
	bool whole = source.version != NULL;
	source.name = xstrdup(name);
	vec_push(&r->lock.sources, source);
	return whole ? 0 : error_set(err, ERROR_RECIPE, "apt names no .dsc file of it");
}

/* request is NAME or NAME=VERSION. */
static int get_source(struct resolution *r, char *request, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
	CLEANUP(free_p) char *name = xstrndup(request, strcspn(request, "="));
	char *argv[] = {
		"apt-get", "-q", "-oAcquire::ForceHash=SHA256", "--print-uris", "--only-source", "source", "--",
		request,   NULL
	};

	if (apt_run(r->apt.path, argv, &text, err) < 0 || apt_uris_parse(text.data ? text.data : "", &uris, err) < 0 ||
	    add_source(r, name, &uris, err) < 0)
		return error_wrap(err, "source package %s", request);
	return 0;
}

static int get_sources(struct resolution *r, struct error *err)
{
	for (size_t i = 0; i < r->request.sources.n; i++)
		if (get_source(r, r->request.sources.at[i], err) < 0)
			return -1;
	return 0;
}

/* Questions that do not depend on each other are asked side by side. */
static int solve_all(struct resolution *r, struct error *err)
{
	if (start(r, LOCK_BASE, err) < 0 || start(r, LOCK_TOOLCHAIN, err) < 0 || get_sources(r, err) < 0 ||
	    cache_scratch(r->cache, &r->scratch, &r->scratch_fd, err) < 0 || finish_layer(r, LOCK_BASE, err) < 0 ||
	    start(r, LOCK_VM, err) < 0 || start(r, LOCK_LXC, err) < 0 || start(r, LOCK_IMAGE, err) < 0 ||
	    finish_layer(r, LOCK_VM, err) < 0 || start(r, LOCK_EXTRA_VM, err) < 0 ||
	    finish_layer(r, LOCK_LXC, err) < 0 || start(r, LOCK_EXTRA_LXC, err) < 0 ||
	    finish_layer(r, LOCK_EXTRA_VM, err) < 0 || finish_layer(r, LOCK_EXTRA_LXC, err) < 0)
		return -1;
	return finish(r, LOCK_IMAGE, NULL, err) < 0 ? -1 : finish(r, LOCK_TOOLCHAIN, NULL, err);
}

static char *solution_name(const struct resolution *r)
{
	char hex[SHA256_HEX];

	request_digest(&r->request, hex);
	return xasprintf("solutions/%s.json", hex);
}

/* What was found with these indices before: 1, or 0 when nothing was. A file that cannot be read is as good as none. */
static int recall(struct resolution *r)
{
	CLEANUP(free_p) char *name = solution_name(r);
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };

	if (faccessat(r->apt.fd, name, F_OK, 0) < 0)
		return 0;
	if (file_read(r->apt.fd, name, SOLUTION_MAX, &text, &ignored) == 0 &&
	    lock_parse(name, text.data, text.len, &r->lock, &ignored) == 0)
		return 1;
	log_debug("%s", ignored.text);
	return 0;
}

/* It belongs to no recipe but to what was asked: that is the digest it gets meanwhile. */
static int remember(struct resolution *r, struct error *err)
{
	char hex[SHA256_HEX];

	request_digest(&r->request, hex);
	r->lock.recipe_digest = xstrdup(hex);

	CLEANUP(free_p) char *name = solution_name(r);
	CLEANUP(json_free_p) struct json *json = lock_json(&r->lock);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, false, &text);
	return file_write(r->apt.fd, name, text.data, text.len, 0644, err);
}

/* The version of what was chosen; a recipe that names another one is wrong. */
static int set_kubernetes_version(struct resolution *r, struct error *err)
{
	const char *wanted = r->recipe->kubernetes.version, *debian = NULL;
	const struct lock_package *kubelet = lock_find(&r->lock, LOCK_BASE, "kubelet");
	const struct lock_source *compiled = lock_source(&r->lock, "kubernetes");

	if (compiled)
		debian = compiled->version;
	if (r->recipe->kubernetes.source == KUBERNETES_PACKAGES && kubelet)
		debian = kubelet->version;
	free(r->lock.kubernetes_version);
	r->lock.kubernetes_version = debian ? request_upstream_version(debian) : wanted ? xstrdup(wanted) : NULL;
	if (debian && wanted && !text_starts(r->lock.kubernetes_version, wanted))
		return error_set(err, ERROR_RECIPE, "the recipe wants Kubernetes %s, but %s of its repositories is %s",
				 wanted, compiled ? "the source package" : "kubelet", r->lock.kubernetes_version);
	return 0;
}

static void add_binaries(struct resolution *r)
{
	for (size_t i = 0; i < r->recipe->kubernetes.binaries.n; i++) {
		const struct binary *b = &r->recipe->kubernetes.binaries.at[i];
		const char *slash = strrchr(b->url, '/');
		vec_push(&r->lock.binaries.list,
			 (struct lock_file){ .name = xstrdup(slash && slash[1] ? slash + 1 : b->url),
					     .url = xstrdup(b->url),
					     .sha256 = xstrdup(b->sha256) });
	}
}

/* What the recipe says beside what apt chose. */
static int complete(struct resolution *r, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = recipe_json(r->recipe);
	CLEANUP(text_done) struct text text = { 0 };
	char hex[SHA256_HEX];

	if (set_kubernetes_version(r, err) < 0)
		return -1;
	add_binaries(r);
	json_print(json, false, &text);
	sha256_hex(text.data, text.len, hex);
	free(r->lock.recipe_digest);
	r->lock.recipe_digest = xstrdup(hex);
	return 0;
}

int resolve(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache, struct lock *ret,
	    struct error *err)
{
	CLEANUP(resolution_done) struct resolution r = { .recipe = recipe, .cache = cache, .scratch_fd = -1 };

	if (request_make(recipe, &r.request, err) < 0 || open_apt(&r, options, err) < 0)
		return -1;
	if (!recall(&r) && (solve_all(&r, err) < 0 || remember(&r, err) < 0))
		return -1;
	if (complete(&r, err) < 0)
		return -1;
	*ret = r.lock;
	r.lock = (struct lock){ 0 };
	return 0;
}

int resolve_versions(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
		     const struct strings *names, struct text *ret, struct error *err)
{
	CLEANUP(resolution_done) struct resolution r = { .recipe = recipe, .cache = cache, .scratch_fd = -1 };
	struct resolve_options here = { .mirror = options->mirror };
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (!names->n)
		return 0;
	strings_add_all(&argv, "apt-cache", "madison", "--", NULL);
	strings_append(&argv, names);
	if (open_apt(&r, &here, err) < 0)
		return -1;
	return apt_run(r.apt.path, strings_argv(&argv), ret, err);
}
