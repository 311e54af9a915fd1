/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A layer is a part of a guest's tree that depends on nothing but its key. The cache has it as trees/KEY.tar.zst, with
 * an index of the compressed chunks of its larger files after the end of the archive.
 */
#include <time.h>

#include "builder/archive/chunks.h"
#include "builder/cache/cache.h"
#include "lib/error.h"

/* 1: the layer is unpacked into path (an empty directory) and *ret_chunks (may be NULL) has its chunks. 0: the cache
 * does not have it. */
int layer_cache_load(struct cache *cache, const char *key, const char *path, struct chunks **ret_chunks,
		     struct error *err) MUST_CHECK;
/* started: files with a later mtime were made by this build. They are saved without their mtime, and each artifact
 * gives them its own date. level: of zstd. chunks: compressed with this level, or NULL. */
int layer_cache_save(struct cache *cache, const char *key, const char *path, time_t started, int level,
		     const struct chunks *chunks, struct error *err) MUST_CHECK;
