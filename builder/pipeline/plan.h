/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Describes what a build of a recipe would do. It uses neither network nor cache, and writes nothing. The same
 * recipe gives the same plan on every host. Package versions are not part of it; `nodekiln lock` resolves them.
 */
#include "builder/apt/mirror.h"
#include "builder/recipe/recipe.h"
#include "lib/json.h"

struct plan {
	const struct recipe *recipe; /* borrowed */
	const char *out;             /* where the artifacts would go */
	int64_t now;                 /* seconds since 1970: what is past its end of life gets a warning; 0 = none */
	struct mirror_options mirror;
};

/* ERROR_INPUT if the disk layout is impossible. */
int plan_text(const struct plan *plan, struct text *ret, struct error *err) MUST_CHECK;
int plan_json(const struct plan *plan, struct json **ret, struct error *err) MUST_CHECK;
