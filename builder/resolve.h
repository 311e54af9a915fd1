/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recipe to lock: apt's own solver and signature checks, in a private state directory (nothing of the host's apt is read but
 * its sources, for the mirror; nothing is written). apt's state is kept in the cache, keyed by the sources, and refreshed when
 * older than RESOLVE_FRESH_SECONDS or when --update asks for it.
 */
#include "builder/cache.h"
#include "builder/lock.h"
#include "builder/recipe.h"

#define RESOLVE_FRESH_SECONDS 3600

struct resolve_options {
	const char *mirror;	     /* --mirror, NULL = recipe's, else host's */
	bool update;		     /* refresh the indices now */
};

int resolve(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache, struct lock *ret,
	    struct error *err) MUST_CHECK;
