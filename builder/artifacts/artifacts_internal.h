/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What artifacts.c and artifacts_signed.c share. */
#include "builder/artifacts/artifacts.h"

/* The suffixes of all artifacts that a build may make; ends with NULL. An artifact that only an earlier build made does
 * not match the new manifest, and is retired. */
extern const char *const artifacts_suffixes[];

/* Locks SHA256SUMS and its signature; flock(2) with LOCK_UN unlocks. */
int artifacts_lock(const struct artifacts *o, struct error *err) MUST_CHECK;
/* text: SHA256SUMS, under the lock. ERROR_TRUST when it will be signed, and has lines of other images without a good signature. */
int artifacts_check_others(const struct artifacts *o, const struct text *text, struct error *err) MUST_CHECK;
