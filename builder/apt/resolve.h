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
 *	image		the Debian layer of etcd's and kube-proxy's images: only what these need, without essential packages
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"

struct resolve_options {
	const char *mirror; /* --mirror; NULL = the recipe's, else the host's */
	bool update;        /* --update: update from the mirror now */
};

int resolve(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache, struct lock *ret,
	    struct error *err) MUST_CHECK;
/* Every version of these packages in the indices that resolve() used last, with its suite: appends the output of
 * `apt-cache madison`. */
int resolve_versions(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
		     const struct strings *names, struct text *ret, struct error *err) MUST_CHECK;
