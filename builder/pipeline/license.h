/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recognizes licences by phrases that only their texts have, and names them as SPDX does. What is not recognized for certain has no
 * name: the SBOM then asserts nothing.
 */
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/vec.h"

#define LICENSE_TEXT_MAX (1u << 20) /* bytes of one file */
#define LICENSE_FILES_MAX 100u      /* of one module */

/* "MIT", or "Apache-2.0 AND MIT" when a text has both; NULL when unsure. Owned by the caller. */
char *license_classify(const char *text) MUST_CHECK;

/* The licences of Go modules. */
struct license {
	char *path, *version; /* owned; of the module */
	char *expression;     /* owned; SPDX; NULL when unsure */
};
struct licenses {
	VEC(struct license) list;
};
/* Reads DIRECTORY/MODULE@VERSION/ of every module of the component, which has the module's own licence files (LICENSE*, COPYING*
 * and the like). A module without a directory is left out. */
int licenses_read(const char *directory, const struct lock_component *c, struct licenses *ret, struct error *err)
	MUST_CHECK;
/* NULL when unknown or unsure. */
const char *licenses_find(const struct licenses *l, const char *path, const char *version);
void licenses_done(struct licenses *l);
