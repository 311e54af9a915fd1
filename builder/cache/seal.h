/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Seals: what the cache has made itself is named by the digest of its inputs, which says nothing about its content. So
 * each entry of trees/, artifacts/ and repacked/ has a seal, an HMAC-SHA-256 of its name and the digest of its content.
 * The key is not in the cache: a user who can write to a shared cache can remove entries, and cannot forge one.
 *
 * The seal of gocache/KEY is one of the state of its files (digest_state()), not of their content: it costs 20 000 calls of
 * stat(2) instead of reading 4 GB, and is good only where it was made. A copy of it, such as one that a CI has restored, has
 * no good seal.
 *
 * The key has 64 hex digits: the value of $NODEKILN_CACHE_KEY, or a file of mode 0600: the one that $NODEKILN_CACHE_KEY
 * names, else /var/lib/nodekiln-build/cache.key for root, else $XDG_STATE_HOME/nodekiln/cache.key or
 * ~/.local/state/nodekiln/cache.key. Builders that share a cache use each other's entries if they have the same key.
 */
#include <stdbool.h>

#include "lib/error.h"

#define SEAL_KEY_HEX 64

struct cache;

/* Reads the key, and makes it if it is missing; removes a value of the environment, so that no child gets it. Where it
 * cannot be kept, a random one is used: then entries are good for this process only. A file that others may read is
 * ERROR_TRUST. */
int seal_key(char ret[SEAL_KEY_HEX + 1], struct error *err) MUST_CHECK;

/* Names are relative to cache->fd; name is "KIND/KEY", of a kind that needs seals. */
bool seal_needed(const char *kind);
/* Reads the whole entry (of gocache/: only its directories). May be called by several threads. */
bool seal_check(const struct cache *cache, const char *name);
/* Seals the content of scratch_name as that of name. */
int seal_write(const struct cache *cache, const char *scratch_name, const char *name, struct error *err) MUST_CHECK;
/* The file with the seal of an entry; the caller owns the text. */
char *seal_name(const char *name) MUST_CHECK;

/* A sentence, once, when the last build with this cache had another key or none, and its entries are not used; else NULL.
 * The caller owns it. */
char *seal_notice(const struct cache *cache) MUST_CHECK;
/* Records that entries are sealed with this key, so that there is no notice. */
void seal_mark(const struct cache *cache);
