/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The whole lock of a recipe: the packages (resolve.h), then each component at one version, and for those that are compiled
 * the tree with Go and the modules (gomod.h).
 */
#include "builder/apt/resolve.h"
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

/* line gets the output of Go; may be NULL. */
int lock_make(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
	      void (*line)(void *context, const char *line), void *context, struct lock *ret, struct error *err)
	MUST_CHECK;
/* True when components are compiled: lock_make() then needs rootless_enter(). */
bool lock_make_compiles(const struct recipe *recipe);
