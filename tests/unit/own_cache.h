/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cache of a test's own, in a directory of its own:
 *
 *	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
 *	CHECK(own_cache_open(&w) == 0);
 */
#include <stdlib.h>

#include "builder/cache/cache.h"
#include "lib/file.h"
#include "tests/unit/check.h"

struct own_cache {
	char top[64];
	struct cache cache;
};

static inline void own_cache_close(struct own_cache *w)
{
	struct error err = { 0 };

	cache_close(&w->cache);
	if (tree_remove(AT_FDCWD, w->top, &err) < 0)
		printf("# %s\n", err.text);
}

static inline int own_cache_open(struct own_cache *w)
{
	struct error err = { 0 };

	snprintf(w->top, sizeof w->top, "/tmp/nodekiln-cache.XXXXXX");
	if (!mkdtemp(w->top))
		return -1;
	CLEANUP(free_p) char *path = xasprintf("%s/cache", w->top);
	CLEANUP(free_p) char *key = xasprintf("%s/cache.key", w->top);
	setenv("NODEKILN_CACHE", path, 1);
	setenv("NODEKILN_CACHE_KEY", key, 1);
	return cache_open(&w->cache, &err);
}

/* As if a build had published artifacts/KEY, which a test has put there itself. */
static inline int own_cache_seal(struct own_cache *w, const char *key)
{
	CLEANUP(free_p) char *name = xasprintf("artifacts/%s", key);
	struct error err = { 0 };

	return seal_write(&w->cache, name, name, &err);
}
