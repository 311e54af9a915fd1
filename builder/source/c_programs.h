/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Components of source `c`: each program is one C file of ours, in the directory of the component's file, and is compiled static in the
 * tree of lock group `go`. It gets its version as the macro VERSION. The result is cached as artifacts/KEY/bin/NAME.
 */
#include "builder/cache/cache.h"
#include "builder/component/component.h"
#include "builder/lock/lock.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/hash.h"

/* Finds the programs in the cache or compiles them. line gets the compiler's output. *ret_directory: absolute, owned by the
 * caller. */
int c_programs_make(const struct component *c, const struct lock *lock, struct cache *cache,
		    void (*line)(void *context, const char *line), void *context, char **ret_directory,
		    struct error *err) MUST_CHECK;
/* The cache key: compiler, flags, version and the files. */
int c_programs_key(const struct component *c, const struct lock *lock, char ret_hex[SHA256_HEX], struct error *err)
	MUST_CHECK;
/* Compiles and runs them in an open toolchain, and publishes them under this key. */
int c_programs_compile(const struct component *c, const struct toolchain *t, const char *key, struct error *err)
	MUST_CHECK;
