/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What can't be built by root that is confined (rootless.h), told before anything begins: images can't be preloaded, because
 * their runtime mounts them; and nothing can be installed where not even an empty sandbox stands, which is tried. Kubernetes from
 * source is refused where it would be compiled (kubernetes.c): what another build has compiled is as good.
 */
#include "builder/cache/cache.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

int restricted_check(const struct recipe *recipe, struct cache *cache, struct error *err) MUST_CHECK;
