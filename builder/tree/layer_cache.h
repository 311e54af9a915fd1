/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A layer: a part of a guest's tree that depends on nothing but its key, kept in the cache as trees/KEY.tar.zst, with an index of
 * its larger files' compressed chunks behind the archive's end.
 */
#include <time.h>

#include "builder/archive/chunks.h"
#include "builder/cache/cache.h"
#include "lib/error.h"

/* 1: unpacked into path (an empty directory), *ret_chunks has its chunks. 0: the cache does not have it. ret_chunks may be NULL. */
int layer_cache_load(struct cache *cache, const char *key, const char *path, struct chunks **ret_chunks,
		     struct error *err) MUST_CHECK;
/* started: what has a later mtime was made by this build, and is kept with no date of its own: artifacts give it theirs. level: of
 * zstd. chunks: of this level, or NULL. */
int layer_cache_save(struct cache *cache, const char *key, const char *path, time_t started, int level,
		     const struct chunks *chunks, struct error *err) MUST_CHECK;
