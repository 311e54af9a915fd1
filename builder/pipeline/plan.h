/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a build of a recipe would do, told without doing it: no network, no cache, nothing written. The same recipe gives the same
 * plan everywhere. Which package versions it would take is the lock's to say (`nodekiln lock`).
 */
#include "builder/recipe/recipe.h"
#include "lib/json.h"

struct plan {
	const struct recipe *recipe; /* borrowed */
	const char *out;             /* where the artifacts would go */
	const char *mirror;          /* --mirror; NULL = the recipe's, else the host's */
};

/* ERROR_INPUT when the disk cannot be laid out. */
int plan_text(const struct plan *plan, struct text *ret, struct error *err) MUST_CHECK;
int plan_json(const struct plan *plan, struct json **ret, struct error *err) MUST_CHECK;
