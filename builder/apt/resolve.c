/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/apt/apt_solve.h"
#include "builder/apt/apt_text.h"
#include "builder/apt/package_request.h"
#include "builder/lock/dpkg_status.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define SOLUTIONS "solutions"
#define SOLUTION_MAX (16u << 20)

/* One recipe on its way to a lock. */
struct resolution {
	const struct recipe *recipe; /* borrowed */
	struct package_request request;
	struct apt apt;
	struct apt_solve solve[LOCK_GROUPS];
	struct cache *cache; /* borrowed */
	char *status
		[LOCK_GROUPS]; /* owned; files in solutions/: dpkg status of a system with the group and its parents */
	struct lock lock;
};

static void resolution_done(struct resolution *r)
{
	for (size_t g = 0; g < LOCK_GROUPS; g++) {
		apt_solve_done(&r->solve[g]);
		free(r->status[g]);
	}
	package_request_done(&r->request);
	apt_close(&r->apt);
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
		log_warning("no mirror of %s's security updates is known; set distribution.security_mirror",
			    r->recipe->distribution.id);
	return apt_open(&sources, options->update, r->cache, &r->apt, err);
}

/* The group that this one is installed on top of; LOCK_GROUPS = none. */
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
	r->solve[group] = (struct apt_solve){ .apt = &r->apt,
					      .status = under < LOCK_GROUPS ? r->status[under] : NULL,
					      .answer = -1 };
	strings_append(&r->solve[group].packages, &r->request.group[group]);
	return apt_solve_start(&r->solve[group], err);
}

static int finish(struct resolution *r, enum lock_group group, struct text *ret_status, struct error *err)
{
	if (!r->request.group[group].n)
		return 0;
	if (apt_solve_wait(&r->solve[group], &r->lock, group, ret_status, err) < 0)
		return error_wrap(err, "packages of %s", lock_group_names[group]);
	return 0;
}

/* apt may not remove packages (apt.c), so it can change a parent group only by choosing another version of a package. */
static int check_over(const struct lock *lock, enum lock_group group, enum lock_group under, struct error *err)
{
	for (size_t i = 0; i < lock->group[group].n; i++) {
		const struct lock_package *p = &lock->group[group].at[i], *there = lock_find(lock, under, p->name);
		if (there && !strcmp(there->architecture, p->architecture))
			return error_set(err, ERROR_INPUT,
					 "packages of %s need %s %s, but %s has %s; request a version that both can "
					 "use in %s",
					 lock_group_names[group], p->name, p->version, lock_group_names[under],
					 there->version, lock_group_names[under]);
	}
	return 0;
}

/* Waits for the group's solution, which must not change its parent groups. */
static int finish_over(struct resolution *r, enum lock_group group, struct text *ret_status, struct error *err)
{
	if (finish(r, group, ret_status, err) < 0)
		return -1;
	for (enum lock_group under = below(group); under < LOCK_GROUPS; under = below(under))
		if (check_over(&r->lock, group, under, err) < 0)
			return -1;
	return 0;
}

/* Also writes the dpkg status of a system with the group and its parents, for the groups on top of it. */
static int finish_layer(struct resolution *r, enum lock_group group, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };
	enum lock_group under = below(group);

	if (under < LOCK_GROUPS && file_read(AT_FDCWD, r->status[under], DPKG_STATUS_MAX, &status, err) < 0)
		return -1;
	text_add(&status, "");
	return finish_over(r, group, &status, err) < 0
		       ? -1
		       : file_write(AT_FDCWD, r->status[group], status.data, status.len, 0644, err);
}

/* The version is taken from the name of the .dsc file, NAME_VERSION.dsc. */
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
	return whole ? 0 : error_set(err, ERROR_INPUT, "apt lists no .dsc file of it");
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

/* Solves that do not depend on each other run in parallel. */
static int solve_all(struct resolution *r, struct error *err)
{
	if (start(r, LOCK_BASE, err) < 0 || start(r, LOCK_TOOLCHAIN, err) < 0 || get_sources(r, err) < 0 ||
	    finish_layer(r, LOCK_BASE, err) < 0 || start(r, LOCK_VM, err) < 0 || start(r, LOCK_LXC, err) < 0 ||
	    start(r, LOCK_IMAGE, err) < 0 || finish_layer(r, LOCK_VM, err) < 0 || finish_layer(r, LOCK_LXC, err) < 0 ||
	    finish(r, LOCK_IMAGE, NULL, err) < 0)
		return -1;
	return finish(r, LOCK_TOOLCHAIN, NULL, err);
}

static int solve_extra(struct resolution *r, struct error *err)
{
	if (start(r, LOCK_EXTRA_VM, err) < 0 || start(r, LOCK_EXTRA_LXC, err) < 0 ||
	    finish_over(r, LOCK_EXTRA_VM, NULL, err) < 0)
		return -1;
	return finish_over(r, LOCK_EXTRA_LXC, NULL, err);
}

/* Reads the stored solution for these indices: 1, or 0 when there is none. An unreadable file counts as none. */
static int recall(struct resolution *r, const char *digest)
{
	CLEANUP(free_p) char *name = xasprintf(SOLUTIONS "/%s.json", digest);
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

/* Stores the solution. It belongs to a request and not to a recipe, so recipe_digest holds the request's digest meanwhile. */
static int remember(struct resolution *r, const char *digest, struct error *err)
{
	free(r->lock.recipe_digest);
	r->lock.recipe_digest = xstrdup(digest);

	CLEANUP(free_p) char *name = xasprintf(SOLUTIONS "/%s.json", digest);
	CLEANUP(json_free_p) struct json *json = lock_json(&r->lock);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, false, &text);
	return file_write(r->apt.fd, name, text.data, text.len, 0644, err);
}

/* A power failure can leave an empty status file; apt would take it for a system without packages. */
static bool has_status(const struct resolution *r, enum lock_group group)
{
	struct stat st;

	return stat(r->status[group], &st) == 0 && st.st_size > 0;
}

/* packages.extra is solved on top of a solution that may be stored already; that one is stored separately, with its status
 * files. */
static int solve_request(struct resolution *r, struct error *err)
{
	static const enum lock_group layers[] = { LOCK_BASE, LOCK_VM, LOCK_LXC };
	char whole[SHA256_HEX], under_extra[SHA256_HEX];

	package_request_digest(&r->request, true, whole);
	package_request_digest(&r->request, false, under_extra);
	if (recall(r, whole))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		r->status[layers[i]] =
			xasprintf("%s/" SOLUTIONS "/%s.%s", r->apt.path, under_extra, lock_group_names[layers[i]]);
	bool known = has_status(r, LOCK_VM) && has_status(r, LOCK_LXC);
	if (!(known && recall(r, under_extra)) && (solve_all(r, err) < 0 || remember(r, under_extra, err) < 0))
		return -1;
	return strcmp(whole, under_extra) && (solve_extra(r, err) < 0 || remember(r, whole, err) < 0) ? -1 : 0;
}

/* Sets the resolved version; an error when the recipe requires another one. */
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
	r->lock.kubernetes_version = debian   ? package_request_upstream_version(debian)
				     : wanted ? xstrdup(wanted)
					      : NULL;
	if (debian && wanted && !text_starts(r->lock.kubernetes_version, wanted))
		return error_set(err, ERROR_INPUT,
				 "the recipe requires Kubernetes %s, but %s in its repositories is %s", wanted,
				 compiled ? "the source package" : "kubelet", r->lock.kubernetes_version);
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

/* Adds to the lock what comes from the recipe and not from apt. */
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
	CLEANUP(resolution_done) struct resolution r = { .recipe = recipe, .cache = cache };

	if (package_request_make(recipe, &r.request, err) < 0 || open_apt(&r, options, err) < 0)
		return -1;
	if (solve_request(&r, err) < 0 || complete(&r, err) < 0)
		return -1;
	*ret = r.lock;
	r.lock = (struct lock){ 0 };
	return 0;
}

int resolve_versions(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
		     const struct strings *names, struct text *ret, struct error *err)
{
	CLEANUP(resolution_done) struct resolution r = { .recipe = recipe, .cache = cache };
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
