/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recipe to lock: apt's own solver and signature checks, in a private state directory (apt.h; nothing of the host's apt is read
 * but its sources, for the mirror; nothing is written). apt's state is kept in the cache and asked for news when it is older than
 * APT_FRESH_SECONDS or when --update says so; what was solved once with the same indices is not solved again.
 *
 *	base		what is always there (distribution.variant), base's packages, and Kubernetes' when they are packages
 *	vm, lxc		what they add to base as it was chosen: base is never changed by them
 *	toolchain	essential packages and the compilers (toolchain.h)
 *	image		the layer below etcd and kube-proxy: just what they need, not even the essential packages
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"

struct resolve_options {
	const char *mirror; /* --mirror, NULL = recipe's, else host's */
	bool update;        /* ask the mirror now */
};

int resolve(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache, struct lock *ret,
	    struct error *err) MUST_CHECK;
/* Every version of these packages that the repositories of resolve()'s last answer have, with its suite: the lines of
 * `apt-cache madison`. */
int resolve_versions(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
		     const struct strings *names, struct text *ret, struct error *err) MUST_CHECK;
