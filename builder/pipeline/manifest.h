/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An image's metadata files: NAME.manifest.json (recipe, lock, versions, sizes, digests, timings), NAME.spdx.json, its SBOM
 * (SPDX 2.3: which packages are in which artifact), and NAME.provenance.json (in-toto, SLSA: what it was made of). They
 * depend only on the artifacts' content, the inputs and the epoch, except for the manifest's `timings`.
 */
#include <stdint.h>

#include "builder/artifacts/artifacts.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/source/source.h"
#include "lib/error.h"
#include "lib/json.h"

struct licenses;

struct manifest {
	const struct recipe *recipe;      /* borrowed */
	const struct lock *lock;          /* borrowed */
	const struct source_set *sources; /* borrowed; may be NULL */
	const struct strings *images;     /* borrowed; references of preloaded images; may be NULL */
	const struct licenses *licenses;  /* borrowed; of compiled modules; may be NULL */
	const char *key;                  /* borrowed; digest of all inputs: the same key, the same artifacts */
	int64_t epoch; /* SOURCE_DATE_EPOCH: also the day on which `warnings` looks at the components' ends of life */
};

/* Writes all into the staging directory, which has the finished artifacts. Takes ownership of timings. */
int manifest_write(const struct manifest *m, struct artifacts *o, struct json *timings, struct error *err) MUST_CHECK;

/* Pure; the artifacts are those of o->summed. manifest_json() takes ownership of timings. The caller owns the
 * result. */
struct json *manifest_json(const struct manifest *m, const struct artifacts *o, struct json *timings) MUST_CHECK;
struct json *sbom_json(const struct manifest *m, const struct artifacts *o) MUST_CHECK;
struct json *provenance_json(const struct manifest *m, const struct artifacts *o) MUST_CHECK;
