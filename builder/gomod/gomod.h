/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Components from Go modules (source go-modules).
 *
 *	lock	Go, in the tree of LOCK_GO and with the network, finds the newest patch release of the requested minor and
 *		resolves the module graph of a main module that requires the component, against the user's GOPROXY and the
 *		checksum database. The result is in the lock: the main module's go.mod, and every module with both hashes.
 *	make	the modules are fetched in parallel into the cache and checked against the lock; then Go compiles in the same
 *		tree without a network, from a GOPROXY of file:// that has exactly these modules.
 *
 * The environment of the user counts as `go help environment` and `go help module-auth` say: GOPROXY, GONOPROXY, GOSUMDB,
 * GONOSUMDB, GOPRIVATE, NETRC, HTTPS_PROXY, SSL_CERT_FILE.
 */
#include "builder/cache/cache.h"
#include "builder/component/component.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/hash.h"

/* Resolves one component. lock: has LOCK_GO. ret: all fields are set. */
int gomod_lock(const struct component *c, const struct lock *lock, struct cache *cache, struct lock_component *ret,
	       struct error *err) MUST_CHECK;
/* The cache key of the compiled programs: everything that they depend on. */
void gomod_key(const struct component *c, const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Finds the programs in the cache or compiles them. line gets the compiler's output. *ret_directory (owned by the caller;
 * absolute, in the cache) has bin/NAME for every program of the component. */
int gomod_make(const struct component *c, const struct lock *lock, struct cache *cache,
	       void (*line)(void *context, const char *line), void *context, char **ret_directory, struct error *err)
	MUST_CHECK;
