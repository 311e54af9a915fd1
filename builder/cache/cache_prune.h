/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cache usage and pruning: what the cache holds, how large each entry is and when it was last used, and what
 * to remove to keep the cache below a limit.
 *
 *	cache_usage_read	lists the entries with their sizes
 *	cache_usage_select	marks (pure) the least recently used, until the rest fits
 *	cache_prune		removes those, only while no other process has the cache open
 *
 * Any entry may be removed: it is downloaded or made again when it is needed.
 */
#include "builder/cache/cache.h"
#include "lib/error.h"
#include "lib/vec.h"

#define CACHE_LIMIT (30ull << 30) /* bytes; the default of NODEKILN_CACHE_MAX */

struct cache_entry {
	const char *kind; /* borrowed; one of cache_kinds */
	char *name;       /* owned; below the kind's directory */
	uint64_t bytes;
	int64_t used; /* seconds since 1970 */
	bool marked;  /* to be removed */
};

struct cache_usage {
	VEC(struct cache_entry) entries;
};

extern const char *const cache_kinds[]; /* ends with NULL */

/* NODEKILN_CACHE_MAX ("20G", "0") in bytes, else CACHE_LIMIT. Another value is ERROR_USAGE. */
int cache_limit(uint64_t *ret, struct error *err) MUST_CHECK;
int cache_usage_read(struct cache *cache, struct cache_usage *ret, struct error *err) MUST_CHECK;
/* The bytes and the number of entries of one kind (NULL = all). */
uint64_t cache_usage_bytes(const struct cache_usage *usage, const char *kind, size_t *ret_count);
/* Marks the least recently used entries until the others have at most limit bytes. Returns the bytes marked. */
uint64_t cache_usage_select(struct cache_usage *usage, uint64_t limit);
/* Prunes the cache to at most limit bytes. Returns 1, or 0 when other processes use the cache and nothing was
 * removed. *ret_removed: bytes; set with 1 only. */
int cache_prune(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err) MUST_CHECK;
/* Seals all entries that need it, as they are: the user says that they are good. *ret_count: how many. */
int cache_seal_all(struct cache *cache, size_t *ret_count, struct error *err) MUST_CHECK;
/* After a build: prunes to cache_limit(), unless another build runs (the last one to end does it). Failure is
 * only logged. */
void cache_trim(struct cache *cache);
void cache_usage_done(struct cache_usage *usage);
