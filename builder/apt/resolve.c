/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/resolve_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/apt/apt_solve.h"
#include "builder/apt/apt_source.h"
#include "builder/apt/apt_text.h"
#include "builder/apt/package_request.h"
#include "builder/lock/dpkg_status.h"
#include "builder/lock/lock_fetch.h"
#include "builder/lock/lock_toolchain.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

/* One recipe on its way to a lock. */
struct resolution {
	const struct recipe *recipe; /* borrowed */
	struct recipe chosen;        /* the same with agent.libcurl decided; what it points to is borrowed */
	bool trusting;               /* the source of libcurl need not be fetched: options.like says what to choose */
	bool missing;                /* the last failure: the mirror does not have this source */
	struct package_request request;
	struct apt apt;
	struct apt_solve solve[LOCK_GROUPS];
	struct cache *cache; /* borrowed */
	/* Owned; files in solutions/: dpkg status of a system with the group and its parents. */
	char *status[LOCK_GROUPS];
	struct lock lock;
};

/* Forgets the request and what was solved of it. */
static void forget_solution(struct resolution *r)
{
	for (size_t g = 0; g < LOCK_GROUPS; g++) {
		apt_solve_done(&r->solve[g]);
		free(r->status[g]);
		r->solve[g] = (struct apt_solve){ 0 };
		r->status[g] = NULL;
	}
	package_request_done(&r->request);
	lock_done(&r->lock);
	r->request = (struct package_request){ 0 };
	r->lock = (struct lock){ 0 };
}

static void resolution_done(struct resolution *r)
{
	forget_solution(r);
	apt_close(&r->apt);
}

static void warn_expired(const struct sources *sources)
{
	for (size_t i = 0; i < sources->list.n; i++)
		if (sources->list.at[i].expired)
			log_warning("%s %s is used as of any day, without newer security updates: check_valid_until is "
				    "false",
				    sources->list.at[i].url, sources->list.at[i].suite);
}

static int open_state(struct resolution *r, const struct resolve_options *options, struct error *err)
{
	CLEANUP(mirror_done) struct mirror mirror = { 0 };
	CLEANUP(sources_done) struct sources sources = { 0 };

	if (mirror_find(r->recipe, &options->mirror, &mirror, err) < 0 ||
	    sources_make(&r->chosen, &mirror, &sources, err) < 0 || sources_read_keys(&sources, err) < 0)
		return -1;
	if (r->recipe->distribution.security && !mirror.security)
		log_warning("no mirror of %s's security updates is known; set distribution.security_mirror",
			    r->recipe->distribution.id);
	warn_expired(&sources);
	if (apt_open(&sources, options->update, r->cache, &r->apt, err) == 0)
		return 0;
	return mirror_explain(&mirror, err);
}

static void log_packaged(const struct resolution *r, const char *reason)
{
	log_warning(
		"the agent's libcurl is the package of %s and not compiled, so that the agent needs more memory: %s",
		r->recipe->distribution.id, reason);
}

/* A mirror may have no index of source packages at all. */
static int open_apt(struct resolution *r, const struct resolve_options *options, struct error *err)
{
	struct error other = { 0 };

	r->chosen = *r->recipe;
	if (options->like && r->recipe->agent.libcurl == AGENT_LIBCURL_AUTO) {
		r->chosen.agent.libcurl =
			lock_source(options->like, LIBCURL_SOURCE) ? AGENT_LIBCURL_COMPILED : AGENT_LIBCURL_PACKAGED;
		r->trusting = true;
	}
	int rc = open_state(r, options, err);
	if (rc == 0 || err->class != ERROR_NETWORK || r->chosen.agent.libcurl != AGENT_LIBCURL_AUTO ||
	    recipe_has_source(r->recipe, COMPONENT_DEBIAN_SOURCE))
		return rc;
	r->chosen.agent.libcurl = AGENT_LIBCURL_PACKAGED;
	if (open_state(r, options, &other) < 0)
		return -1;
	log_packaged(r, err->text);
	*err = (struct error){ 0 };
	return 0;
}

static int start(struct resolution *r, enum lock_group group, struct error *err)
{
	enum lock_group parent = lock_group_parent(group);

	if (!r->request.group[group].n)
		return 0;
	r->solve[group] = (struct apt_solve){ .apt = &r->apt,
					      .status = parent < LOCK_GROUPS ? r->status[parent] : NULL,
					      .answer = -1 };
	strings_append(&r->solve[group].packages, &r->request.group[group]);
	return apt_solve_start(&r->solve[group], err);
}

/* apt may not remove packages (apt.c), so it can change a parent group only by choosing another version of a package. */
static int check_unchanged(const struct lock *lock, enum lock_group group, enum lock_group parent, struct error *err)
{
	for (size_t i = 0; i < lock->group[group].n; i++) {
		const struct lock_package *p = &lock->group[group].at[i], *there = lock_find(lock, parent, p->name);
		if (there && !strcmp(there->architecture, p->architecture))
			return error_set(err, ERROR_INPUT,
					 "packages of %s need %s %s, but %s has %s; request a version that both can "
					 "use in %s",
					 lock_group_names[group], p->name, p->version, lock_group_names[parent],
					 there->version, lock_group_names[parent]);
	}
	return 0;
}

/* Waits for the group's solution, which must not change its parent groups. */
static int finish(struct resolution *r, enum lock_group group, struct text *ret_status, struct error *err)
{
	if (!r->request.group[group].n)
		return 0;
	if (apt_solve_wait(&r->solve[group], &r->lock, group, ret_status, err) < 0)
		return error_wrap(err, "packages of %s", lock_group_names[group]);
	for (enum lock_group p = lock_group_parent(group); p < LOCK_GROUPS; p = lock_group_parent(p))
		if (check_unchanged(&r->lock, group, p, err) < 0)
			return -1;
	return 0;
}

/* Also writes the dpkg status of a system with the group and its parents, for the groups on top of it. */
static int finish_parent(struct resolution *r, enum lock_group group, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };
	enum lock_group parent = lock_group_parent(group);

	if (parent < LOCK_GROUPS && file_read(AT_FDCWD, r->status[parent], DPKG_STATUS_MAX, &status, err) < 0)
		return -1;
	text_add(&status, "");
	if (finish(r, group, &status, err) < 0)
		return -1;
	return file_write(AT_FDCWD, r->status[group], status.data, status.len, 0644, err);
}

/* Fetches the source of the agent's libcurl, which takes no time when the cache has it: so the mirror serves it. */
static int check_libcurl(struct resolution *r, struct error *err)
{
	const struct lock_source *source = lock_source(&r->lock, LIBCURL_SOURCE);

	if (!source || r->trusting || r->cache->offline)
		return 0;
	if (lock_fetch_source(source, r->cache, err) == 0)
		return 0;
	r->missing = err->class == ERROR_NETWORK;
	return error_wrap(err, "source package %s %s", source->name, source->version);
}

static int get_sources(struct resolution *r, struct error *err)
{
	for (size_t i = 0; i < r->request.sources.n; i++)
		if (apt_source_find(&r->apt, r->request.sources.at[i], &r->lock, err) < 0) {
			r->missing = !strcmp(r->request.sources.at[i], LIBCURL_SOURCE) && err->class == ERROR_INPUT;
			return -1;
		}
	return check_libcurl(r, err);
}

/* Starts the groups of this pass that are on top of `parent`; LOCK_GROUPS: those whose parent is not in this pass. */
static int start_children(struct resolution *r, enum lock_group parent, bool extra, struct error *err)
{
	for (enum lock_group group = 0; group < LOCK_GROUPS; group++) {
		enum lock_group under = lock_group_parent(group);

		if (under < LOCK_GROUPS && lock_group_is_extra(under) != extra)
			under = LOCK_GROUPS;
		if (lock_group_is_extra(group) == extra && under == parent && start(r, group, err) < 0)
			return -1;
	}
	return 0;
}

/* Solves the groups of packages.extra, or all others. Each starts when its parent is finished, so that solves which do not
 * depend on each other run in parallel, as do the source packages. */
static int solve_groups(struct resolution *r, bool extra, struct error *err)
{
	if (start_children(r, LOCK_GROUPS, extra, err) < 0)
		return -1;
	if (!extra && get_sources(r, err) < 0)
		return -1;
	for (enum lock_group group = 0; group < LOCK_GROUPS; group++) {
		if (lock_group_is_extra(group) != extra)
			continue;
		if (!lock_group_is_parent(group)) {
			if (finish(r, group, NULL, err) < 0)
				return -1;
		} else if (finish_parent(r, group, err) < 0 || start_children(r, group, extra, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/* Names the status files of a solution. True when all exist; a power failure can leave an empty one, which apt would take for
 * a system without packages. */
static bool has_status_files(struct resolution *r, const char *digest)
{
	bool all = true;
	struct stat st;

	for (enum lock_group group = 0; group < LOCK_GROUPS; group++) {
		if (!lock_group_is_parent(group))
			continue;
		r->status[group] =
			xasprintf("%s/" RESOLVE_SOLUTIONS "/%s.%s", r->apt.path, digest, lock_group_names[group]);
		all &= stat(r->status[group], &st) == 0 && st.st_size > 0;
	}
	return all;
}

/* packages.extra is solved on top of a solution that may be stored already; that one is stored separately, with its status
 * files. */
static int solve_request(struct resolution *r, struct error *err)
{
	char whole[SHA256_HEX], without_extra[SHA256_HEX];

	package_request_digest(&r->request, true, whole);
	package_request_digest(&r->request, false, without_extra);
	if (resolve_solution_load(&r->apt, whole, &r->lock))
		return check_libcurl(r, err);
	if (!has_status_files(r, without_extra) || !resolve_solution_load(&r->apt, without_extra, &r->lock)) {
		if (solve_groups(r, false, err) < 0 ||
		    resolve_solution_store(&r->apt, without_extra, &r->lock, err) < 0)
			return -1;
	}
	if (!strcmp(whole, without_extra))
		return 0;
	if (solve_groups(r, true, err) < 0)
		return -1;
	return resolve_solution_store(&r->apt, whole, &r->lock, err);
}

static int solve(struct resolution *r, struct error *err)
{
	if (package_request_make(&r->chosen, &r->request, err) < 0)
		return -1;
	return solve_request(r, err);
}

/* Solves with libcurl's source, or without it when the mirror does not have it: a build never fails for what it can do
 * without. */
static int solve_automatic(struct resolution *r, bool update, struct error *err)
{
	CLEANUP(text_done) struct text reason = { 0 };

	if (update || !apt_source_was_missing(&r->apt, LIBCURL_SOURCE, &reason)) {
		r->chosen.agent.libcurl = AGENT_LIBCURL_COMPILED;
		if (solve(r, err) == 0) {
			log_info("the agent's libcurl is compiled: the mirror serves its source package, %s %s",
				 LIBCURL_SOURCE, lock_source(&r->lock, LIBCURL_SOURCE)->version);
			return 0;
		}
		if (!r->missing)
			return -1;
		text_add(&reason, err->text);
		apt_source_set_missing(&r->apt, LIBCURL_SOURCE, err->text);
		*err = (struct error){ 0 };
		forget_solution(r);
	}
	log_packaged(r, reason.data ? reason.data : "");
	r->chosen.agent.libcurl = AGENT_LIBCURL_PACKAGED;
	return solve(r, err);
}

static int solve_libcurl(struct resolution *r, bool update, struct error *err)
{
	if (r->chosen.agent.libcurl == AGENT_LIBCURL_AUTO)
		return solve_automatic(r, update, err);
	if (solve(r, err) == 0)
		return 0;
	if (!r->missing)
		return -1;
	if (r->trusting) {
		*err = (struct error){ 0 };
		forget_solution(r);
		r->chosen.agent.libcurl = AGENT_LIBCURL_PACKAGED;
		return solve(r, err);
	}
	CLEANUP(free_p) char *cause = xstrdup(err->text);
	return error_set(err, err->class,
			 "agent.libcurl is 'compiled', but the mirror does not serve its source (%s); choose another "
			 "mirror, or --set agent.libcurl=packaged",
			 cause);
}

/* Sets the resolved version; an error when the recipe requires another one. */
static int set_kubernetes_version(struct resolution *r, struct error *err)
{
	const char *wanted = r->recipe->kubernetes.version, *debian = NULL;
	const struct lock_package *kubelet = lock_find(&r->lock, LOCK_BASE, "kubelet");

	if (r->recipe->kubernetes.source == KUBERNETES_PACKAGES && kubelet)
		debian = kubelet->version;
	free(r->lock.kubernetes_version);
	r->lock.kubernetes_version = debian   ? package_request_upstream_version(debian)
				     : wanted ? xstrdup(wanted)
					      : NULL;
	if (debian && wanted && !text_starts(r->lock.kubernetes_version, wanted))
		return error_set(err, ERROR_INPUT,
				 "the recipe requires Kubernetes %s, but kubelet in its repositories is %s", wanted,
				 r->lock.kubernetes_version);
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

	if (open_apt(&r, options, err) < 0 || solve_libcurl(&r, options->update, err) < 0 || complete(&r, err) < 0)
		return -1;
	*ret = TAKE(r.lock);
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
