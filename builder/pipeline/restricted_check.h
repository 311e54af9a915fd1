/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Refuses, before a build begins, what root without mount privileges cannot build (rootless_restricted()): images
 * cannot be preloaded, because the runtime mounts them; and nothing can be installed if an empty sandbox does not work,
 * which is tried. Kubernetes from source is refused later, when it would be compiled (kubernetes.c): a copy in the
 * cache that another build compiled can be used.
 */
#include "builder/cache/cache.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

int restricted_check(const struct recipe *recipe, struct cache *cache, struct error *err) MUST_CHECK;
