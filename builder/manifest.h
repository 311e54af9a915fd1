/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The papers of an image: NAME.manifest.json (recipe, lock, versions, sizes, digests, timings) and NAME.spdx.json (SPDX 2.3).
 */
#include "builder/lock.h"
#include "builder/outputs.h"
#include "builder/recipe.h"
#include "lib/error.h"
#include "lib/json.h"

struct manifest {
	const struct recipe *recipe; /* borrowed */
	const struct lock *lock;     /* borrowed */
	const struct strings *images; /* references of preloaded images; may be NULL */
	int64_t epoch;		     /* SOURCE_DATE_EPOCH */
};

struct json *manifest_json(const struct manifest *m, const struct outputs *o, struct json *timings, struct error *err) MUST_CHECK;
struct json *sbom_json(const struct manifest *m) MUST_CHECK;
