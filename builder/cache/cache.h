/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The cache: $NODEKILN_CACHE, else /var/cache/nodekiln for root, else $XDG_CACHE_HOME/nodekiln or ~/.cache/nodekiln.
 *
 *	files/HEX		a downloaded file, named by its sha256 (verified when it was stored)
 *	repacked/HEX		a package of files/HEX, packed anew (deb_recompress.h)
 *	apt/KEY/		apt's private state for one set of sources
 *	trees/KEY.tar.zst	a configured tree or a part of one (tarball.h), named by the digest of all that made it
 *	artifacts/KEY/		compiled Kubernetes and the like: finished directories
 *	tmp/			being made; swept at start of what a killed build left (each is flock()ed while in use)
 *
 * Everything appears by rename, so a name that exists is whole. Two builds at once are fine: whoever has the cache open holds it
 * shared (flock on its directory), and who removes from it (cache_prune.h) holds it alone. What is used gets the time of it as mtime.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/http.h"

struct cache {
	char *path;   /* owned; absolute */
	int fd;       /* owned; locked, shared */
	bool offline; /* nothing is downloaded: what is not there is an error */
};

int cache_open(struct cache *ret, struct error *err) MUST_CHECK;
void cache_close(struct cache *cache); /* accepts a zeroed value */

/* Downloads whatever of the packages and files is not there yet, checked against sha256 and size: ERROR_TRUST names the one that
 * differs. progress is told what is downloaded, not what was there. */
struct cache_want {
	const char *name, *url, *sha256; /* borrowed */
	uint64_t size;                   /* 0 = unknown */
};
int cache_fetch(struct cache *cache, const struct cache_want *wants, size_t n,
		void (*progress)(void *context, uint64_t new_bytes), void *context, struct error *err) MUST_CHECK;
/* An fd (O_RDONLY) of files/HEX, or -1 with *err. */
int cache_file(struct cache *cache, const char *sha256, struct error *err) MUST_CHECK;

/* A directory of our own below tmp/: *ret_fd is its fd, locked while open. *ret_name is relative to cache->fd. */
int cache_scratch(struct cache *cache, char **ret_name, int *ret_fd, struct error *err) MUST_CHECK;
/* Makes a scratch entry (file or directory, or something inside one) final under KIND/KEY, KEY being the whole file name; an
 * existing one wins and the scratch is removed. */
int cache_publish(struct cache *cache, const char *scratch_name, const char *kind, const char *key, struct error *err)
	MUST_CHECK;
/* True when it is there; then it counts as used now. */
bool cache_has(struct cache *cache, const char *kind, const char *key);
/* For who finds things in it by other ways: "KIND/KEY" counts as used now. */
void cache_touch(struct cache *cache, const char *name);
