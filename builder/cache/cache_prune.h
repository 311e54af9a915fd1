/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stock: what the cache holds, how large each thing is and when it was last used; and what has to go to keep it below a bound.
 *
 *	cache_usage_read	counts
 *	cache_usage_select	chooses (pure): the least recently used, until the rest fits
 *	cache_prune	removes what was chosen; only while nobody else has the cache open
 *
 * Anything may go: what is missed later is downloaded or made again.
 */
#include "builder/cache/cache.h"
#include "lib/error.h"
#include "lib/vec.h"

#define CACHE_LIMIT (10ull << 30) /* unless NODEKILN_CACHE_MAX says otherwise */

struct cache_entry {
	const char *kind; /* borrowed; one of cache_kinds */
	char *name;       /* owned; below the kind's directory */
	uint64_t bytes;
	int64_t used; /* seconds since 1970 */
	bool marked;  /* is to go */
};

struct cache_usage {
	VEC(struct cache_entry) items;
};

extern const char *const cache_kinds[]; /* ends with NULL */

/* The bound: NODEKILN_CACHE_MAX ("20G", "0"), else CACHE_LIMIT. */
int cache_limit(uint64_t *ret, struct error *err) MUST_CHECK;
int cache_usage_read(struct cache *cache, struct cache_usage *ret, struct error *err) MUST_CHECK;
/* Of one kind (NULL = all): bytes, and how many things. */
uint64_t cache_usage_bytes(const struct cache_usage *stock, const char *kind, size_t *ret_count);
/* Marks the least recently used until the others are at most limit bytes; returns the bytes that are marked. */
uint64_t cache_usage_select(struct cache_usage *stock, uint64_t limit);
/* Brings the cache below limit: 1, or 0 when others use it and nothing was removed. *ret_removed: bytes. */
int cache_prune(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err) MUST_CHECK;
/* After a build: the same with the bound, if nobody else builds (the last one to end will do it). Only logs what goes wrong. */
void cache_trim(struct cache *cache);
void cache_usage_done(struct cache_usage *stock);
