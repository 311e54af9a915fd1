/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fetches the files that a lock names into the cache. Files that are in the cache already are not
 * downloaded again.
 */
#include <stdint.h>

#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/vec.h"

/* Files for cache_fetch(). The strings are borrowed from the lock. */
struct lock_wants {
	VEC(struct cache_want) list;
	uint64_t bytes; /* total size, without files of unknown size */
};

void lock_wants_packages(const struct lock *lock, enum lock_group group, struct lock_wants *wants);
void lock_wants_done(struct lock_wants *wants);

int lock_fetch_packages(const struct lock *lock, enum lock_group group, struct cache *cache, struct error *err)
	MUST_CHECK;
/* A source package's files. */
int lock_fetch_source(const struct lock_source *source, struct cache *cache, struct error *err) MUST_CHECK;
/* Files from elsewhere than an apt repository. */
int lock_fetch_files(const struct lock_files *files, struct cache *cache, struct error *err) MUST_CHECK;
