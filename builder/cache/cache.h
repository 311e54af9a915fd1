/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The cache: $NODEKILN_CACHE, else /var/cache/nodekiln for root, else $XDG_CACHE_HOME/nodekiln or
 * ~/.cache/nodekiln.
 *
 *	files/HEX		a downloaded file, named by its sha256 (verified when it is stored and when it is used)
 *	repacked/HEX		a package of files/HEX, recompressed (deb_recompress.h)
 *	apt/KEY/		apt's private state for one set of sources
 *	trees/KEY.tar.zst	a configured tree or a part of one (tarball.h), named by the digest of its inputs
 *	artifacts/KEY/		finished directories, such as compiled Kubernetes
 *	modules/KEY		a file of a Go module, verified against its checksum in the key
 *	solutions/KEY		what a lock found out about Go modules
 *	gocache/sealed.KEY/	the build cache of one tree with Go, sealed while no build uses it
 *	seals/KIND.KEY		the seal of an entry (seal.h); an entry without a good one counts as missing
 *	seals/key		says which key the last build had
 *	tmp/			entries being made, each locked by flock(2) while in use; cache_open() removes what a killed build left
 *
 * The cache and its directories must belong to this user, and no other user may write to them: otherwise cache_open()
 * fails. Entries being made are below directories of mode 0700, because trees hold files that only some users may read,
 * and programs that run with the rights of their owner.
 *
 * Entries appear by rename, so a name that exists is complete. Several builds may run at once: each process
 * that has the cache open holds a shared lock (flock on its directory), and removal from it (cache_prune.h)
 * takes the exclusive lock. The mtime of an entry is the time of its last use.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/cache/seal.h"
#include "lib/error.h"
#include "lib/text.h"

struct cache {
	char *path;   /* owned; absolute */
	int fd;       /* owned; locked, shared */
	bool offline; /* nothing is downloaded: a missing file is ERROR_NETWORK */
	char key[SEAL_KEY_HEX + 1];
	struct strings verified; /* "KIND/KEY" of entries whose seal was found good */
};

/* Waits while another program removes from the cache. */
int cache_open(struct cache *ret, struct error *err) MUST_CHECK;
void cache_close(struct cache *cache); /* accepts a zeroed value */

/* Downloads the wanted files that are not in the cache yet, and checks them against sha256 and size:
 * ERROR_TRUST names the one that differs. progress gets the bytes downloaded, without those of files
 * that were in the cache already. */
struct cache_want {
	const char *name, *url, *sha256; /* borrowed */
	uint64_t size;                   /* 0 = unknown */
	bool apt;                        /* from an apt repository (lib/http.h) */
};
int cache_fetch(struct cache *cache, const struct cache_want *wants, size_t n,
		void (*progress)(void *context, uint64_t new_bytes), void *context, struct error *err) MUST_CHECK;
/* An fd (O_RDONLY) of files/HEX, or -1 with *err. A file whose content has another digest is removed: ERROR_TRUST. */
int cache_file(struct cache *cache, const char *sha256, struct error *err) MUST_CHECK;

/* Makes a private directory below tmp/ (0700). *ret_fd is its fd, locked while open; *ret_name is relative to
 * cache->fd. The caller owns both. */
int cache_scratch(struct cache *cache, char **ret_name, int *ret_fd, struct error *err) MUST_CHECK;
/* Moves a scratch entry (a file or directory below tmp/) to KIND/KEY, where KEY is the whole file name, and seals it.
 * When KIND/KEY exists, with a good seal if it needs one, it stays and the scratch entry is removed. */
int cache_publish(struct cache *cache, const char *scratch_name, const char *kind, const char *key, struct error *err)
	MUST_CHECK;
/* True when the entry exists, with a good seal if it needs one; marks it as used now. Not for several threads. */
bool cache_has(struct cache *cache, const char *kind, const char *key);
/* Marks "KIND/KEY" as used now, for callers that open entries without cache_has(). */
void cache_touch(struct cache *cache, const char *name);
