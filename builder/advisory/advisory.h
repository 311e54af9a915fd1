/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Advisories: known vulnerabilities of the Go modules in a lock, and of the standard library of the Go that compiles them. A module
 * counts when it is in the lock; whether a program calls the vulnerable function is not examined.
 *
 * The user names the source:
 *
 *	a directory or URL with the layout of the Go vulnerability database (https://go.dev/security/vuln/database):
 *		index/modules.json	[{"path": MODULE, "vulns": [{"id": ID, ...}, ...]}, ...]
 *		ID/ID.json		the entry, in the OSV format
 *	a directory of files NAME.json in the OSV format, such as data/osv of the module golang.org/x/vulndb
 *
 * Only entries of modules in the lock are fetched from a URL. They are kept in the cache for the rest of the day.
 */
#include <time.h>

#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/lock/lock_diff.h"
#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

/* A module of the lock at one version. */
struct advisory_module {
	char *path, *version;      /* owned; path: also "stdlib" and "toolchain"; version: "v1.2.3" */
	struct strings components; /* names of those that have it */
};

/* An entry that concerns one. */
struct advisory {
	char *id, *summary, *module, *version; /* owned */
	char *fixed;                           /* owned; the version with the fix; NULL = none yet */
	struct strings aliases, components;
};

struct advisories {
	VEC(struct advisory_module) modules; /* sorted by path and version */
	VEC(struct advisory) found;          /* sorted by id, module and version */
};

/* Fills ret->modules from the components with source go-modules. */
void advisories_modules(const struct lock *lock, struct advisories *ret);
/* Fills ret->found. source: a directory, or a URL (http, https, file). today: decides whether the cache is new enough. */
int advisories_find(const char *source, struct cache *cache, time_t today, struct advisories *ret, struct error *err)
	MUST_CHECK;
/* Adds an item for each of ret->found. */
void advisories_report(const struct advisories *a, struct lock_diff *ret);
void advisories_done(struct advisories *a);
