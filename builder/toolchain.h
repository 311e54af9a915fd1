/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree with compilers inside (lock group `toolchain`), made like any other tree, cached, and used in the sandbox: the agent
 * is compiled in the target suite, so that it fits the guest's libraries, and debian-source compiles Kubernetes there.
 */
#include "builder/cache.h"
#include "builder/lock.h"
#include "builder/recipe.h"
#include "lib/error.h"

/* Makes the tree at root (absolute, an empty directory), from the cache when it can. */
int toolchain_make(const struct lock *lock, struct cache *cache, const char *root, struct error *err) MUST_CHECK;
/* The agent, compiled for the guest: *ret_path is the cached binary (owned by the caller). */
int toolchain_agent(const struct recipe *recipe, const struct lock *lock, struct cache *cache, char **ret_path,
		    struct error *err) MUST_CHECK;
