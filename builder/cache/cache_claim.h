/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The right to make an entry: of several builds that need it at the same time, one makes it and the others wait, then find it. It is a
 * file in tmp/ that is locked while the entry is made; that of a killed build is taken over.
 *
 *	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
 *	if (cache_claim(cache, "artifacts", key, "kubernetes 1.37.2", &claim, err) < 0 || (claim.needed && make(..) < 0))
 *		return -1;
 */
#include "builder/cache/cache.h"
#include "lib/macro.h"

struct cache_claim {
	struct cache *cache; /* borrowed */
	char *name;          /* owned; of the file */
	int fd;              /* owned; -1 = none */
	bool needed;         /* the entry does not exist, and this process is to make it */
};

#define CACHE_CLAIM_NONE                                                                                               \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/* Waits while another process makes the entry, and says so; what: its name in the message. */
int cache_claim(struct cache *cache, const char *kind, const char *key, const char *what, struct cache_claim *ret,
		struct error *err) MUST_CHECK;
void cache_claim_done(struct cache_claim *claim);
