/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files of Go modules in the cache (kind `modules`): the zip and the go.mod of a version, under a name that contains the
 * checksum which was verified when the file was stored.
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"

#define MODULE_CACHE "modules"

enum module_file { MODULE_ZIP, MODULE_GO_MOD };
extern const char *const module_file_suffix[]; /* ".zip", ".mod" */

/* The file name below modules/, owned by the caller. The module has this file's checksum. */
char *module_cache_name(const struct lock_module *m, enum module_file file) MUST_CHECK;
/* True when the cache has the file; marks it as used now. */
bool module_cache_has(struct cache *cache, const struct lock_module *m, enum module_file file);
/* Verifies the cache's file again. When its checksum differs, removes it: ERROR_TRUST. */
int module_cache_check(struct cache *cache, const struct lock_module *m, enum module_file file, struct error *err)
	MUST_CHECK;
/* Verifies the file (fd is borrowed) and moves scratch_name (relative to cache->fd, below tmp/) into the cache. ERROR_TRUST
 * when its checksum differs; from: where it comes from, for the message. */
int module_cache_store(struct cache *cache, const char *scratch_name, int fd, const struct lock_module *m,
		       enum module_file file, const char *from, struct error *err) MUST_CHECK;
