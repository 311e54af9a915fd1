/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Resolves a recipe to a lock with apt's own solver and signature checks, on a private state (apt.h). Of the host's apt,
 * only the sources are read, to find the mirror; nothing of it is written. The state is kept in the cache and updated when
 * it is older than APT_FRESH_SECONDS or when --update is given. Solutions are stored with the state and reused while its
 * indices are the same.
 *
 *	base		the packages of distribution.variant and packages.base, and Kubernetes when it comes as packages
 *	vm, lxc		their additions to base; they never change base
 *	toolchain	essential packages and the compilers (toolchain.h)
 *	go		resolve_go()
 *	image		the Debian layer of etcd's and kube-proxy's images: only what these need, without essential packages
 *
 * agent.libcurl `auto` is decided here: compiled when the mirror serves every file of curl's source package (which are then in
 * the cache), else packaged. One message says which and why; the lock has the source of curl, or libcurl4 in base.
 */
#include "builder/apt/mirror.h"
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"

struct resolve_options {
	struct mirror_options mirror;
	bool update; /* --update: update from the mirror now */
	/* An earlier lock: agent.libcurl `auto` chooses as it did, when the indices allow that. NULL: choose by what the
	 * mirror serves. Borrowed. */
	const struct lock *like;
};

int resolve(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache, struct lock *ret,
	    struct error *err) MUST_CHECK;
/* The tree in which Go programs are compiled (LOCK_GO): Debian 13 with its backports, from the recipe's mirror and keyring,
 * whatever the recipe's suite. series: "1.26" takes the oldest packaged Go that is not older; NULL takes the newest series but
 * one, a guess for finding out which series the modules need. packages: Debian packages in addition to gcc and libc6-dev. On
 * success the lock's group is replaced; *ret_package, owned by the caller, is "golang-1.26-go". ERROR_INPUT when no package
 * is new enough. */
int resolve_go(const struct recipe *recipe, const struct resolve_options *options, const char *series,
	       const struct strings *packages, struct cache *cache, struct lock *lock, char **ret_package,
	       struct error *err) MUST_CHECK;
/* Pure. names: output of `apt-cache pkgnames`, one a line. Owned by the caller; NULL when none is new enough. */
char *resolve_go_choose(const char *names, const char *series) MUST_CHECK;
/* Every version of these packages in the indices that resolve() used last, with its suite: appends the output of
 * `apt-cache madison`. */
int resolve_versions(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
		     const struct strings *names, struct text *ret, struct error *err) MUST_CHECK;
