/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The papers of an image: NAME.manifest.json (recipe, lock, versions, sizes, digests, timings) and NAME.spdx.json (SPDX 2.3,
 * which package bytes are in which artifact). The SBOM depends on what is in the artifacts and the epoch only: equal builds
 * have equal ones. The manifest also says how long it took.
 */
#include <stdint.h>

#include "builder/artifacts/artifacts.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/json.h"

struct manifest {
	const struct recipe *recipe;  /* borrowed */
	const struct lock *lock;      /* borrowed */
	const struct strings *images; /* borrowed; references of preloaded images; may be NULL */
	const char *key;              /* borrowed; digest of all inputs: the same key, the same artifacts */
	int64_t epoch;                /* SOURCE_DATE_EPOCH */
};

/* Writes both into the stage, beside the finished artifacts. Takes timings over. */
int manifest_write(const struct manifest *m, struct artifacts *o, struct json *timings, struct error *err) MUST_CHECK;

/* Pure: of what o->summed holds. manifest_json() takes timings over. */
struct json *manifest_json(const struct manifest *m, const struct artifacts *o, struct json *timings) MUST_CHECK;
struct json *sbom_json(const struct manifest *m, const struct artifacts *o) MUST_CHECK;
