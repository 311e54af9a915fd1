/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stock: what the cache holds, how large each thing is and when it was last used; and what has to go to keep it below a bound.
 *
 *	stock_take	counts
 *	stock_mark	chooses (pure): the least recently used, until the rest fits
 *	stock_prune	removes what was chosen; only while nobody else has the cache open
 *
 * Anything may go: what is missed later is downloaded or made again.
 */
#include "builder/cache/cache.h"
#include "lib/error.h"
#include "lib/vec.h"

#define STOCK_LIMIT (10ull << 30) /* unless NODEKILN_CACHE_MAX says otherwise */

struct stock_item {
	const char *kind; /* borrowed; one of stock_kinds */
	char *name;       /* owned; below the kind's directory */
	uint64_t bytes;
	int64_t used; /* seconds since 1970 */
	bool marked;  /* is to go */
};

struct stock {
	VEC(struct stock_item) items;
};

extern const char *const stock_kinds[]; /* ends with NULL */

/* The bound: NODEKILN_CACHE_MAX ("20G", "0"), else STOCK_LIMIT. */
int stock_limit(uint64_t *ret, struct error *err) MUST_CHECK;
int stock_take(struct cache *cache, struct stock *ret, struct error *err) MUST_CHECK;
/* Of one kind (NULL = all): bytes, and how many things. */
uint64_t stock_bytes(const struct stock *stock, const char *kind, size_t *ret_count);
/* Marks the least recently used until the others are at most limit bytes; returns the bytes that are marked. */
uint64_t stock_mark(struct stock *stock, uint64_t limit);
/* Brings the cache below limit: 1, or 0 when others use it and nothing was removed. *ret_removed: bytes. */
int stock_prune(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err) MUST_CHECK;
/* After a build: the same with the bound, if nobody else builds (the last one to end will do it). Only logs what goes wrong. */
void stock_trim(struct cache *cache);
void stock_done(struct stock *stock);
