/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Components from Go modules (source go-modules).
 *
 *	lock	Go, in the tree of LOCK_GO and with the network, finds the newest patch release of the requested minor and
 *		resolves the module graph of a main module that requires the component, against the user's GOPROXY and the
 *		checksum database. The result is in the lock: the main module's go.mod, and every module with both hashes.
 *		What Go downloads goes into the cache, and so does the result (the solution).
 *	make	the modules that the cache lacks are fetched in parallel and checked against the lock; then Go compiles in the
 *		same tree without a network, from a GOPROXY of file:// that has exactly these modules.
 *
 * The environment of the user counts as `go help environment` and `go help module-auth` say: GOPROXY, GONOPROXY, GOSUMDB,
 * GONOSUMDB, GOPRIVATE, NETRC, HTTPS_PROXY, SSL_CERT_FILE.
 */
#include "builder/cache/cache.h"
#include "builder/component/component.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/hash.h"

/* Files below a directory that gomod_make() returns. */
#define GOMOD_BIN "bin"           /* NAME: each program of the component */
#define GOMOD_LICENSES "licenses" /* MODULE@VERSION/: the licence files of each module that is linked */

/* True for the name of a file that has a licence: LICENSE, COPYING and the like, with anything after it. */
bool gomod_is_license(const char *name);

#define GOMOD_FRESH_SECONDS 3600 /* after this time gomod_lock() looks for a newer patch release again */

/* Components to resolve or to make; those of another source are skipped. All borrowed. */
struct gomod {
	const struct component *components;
	size_t n;
	struct cache *cache;
	bool update;                                   /* lock: look for newer patch releases now */
	void (*line)(void *context, const char *line); /* gets the output of Go; may be NULL */
	void *context;
};

/* Resolves all of them, and adds them to lock->components, with the tree of LOCK_GO, whose Go is go_package. ERROR_INPUT
 * with *ret_series ("1.27", owned by the caller) when a module needs a newer Go; else it is NULL. */
int gomod_lock(const struct gomod *g, struct lock *lock, char **ret_series, struct error *err) MUST_CHECK;
/* The newest Go series that the components of a lock need, "1.26"; owned by the caller, NULL when there are none. */
char *gomod_series(const struct lock *lock) MUST_CHECK;

/* Makes what the cache lacks, all of it in one tree. */
int gomod_make_all(const struct gomod *g, const struct lock *lock, struct error *err) MUST_CHECK;
/* The cache key of the compiled programs: everything that they depend on. */
void gomod_key(const struct component *c, const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Finds the programs in the cache or compiles them. line gets the compiler's output. *ret_directory (owned by the caller;
 * absolute, in the cache) has bin/NAME for every program of the component. */
int gomod_make(const struct component *c, const struct lock *lock, struct cache *cache,
	       void (*line)(void *context, const char *line), void *context, char **ret_directory, struct error *err)
	MUST_CHECK;
