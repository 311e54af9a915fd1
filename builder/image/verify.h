/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gate: what a finished artifact must be before anybody publishes it. Looks only at the file (and SHA256SUMS beside it),
 * through image_reader.h; the image itself says in /etc/nodekiln/image.json what it claims to be.
 */
#include "builder/image/image_reader.h"
#include "lib/error.h"
#include "lib/json.h"

#define VERIFY_ABOUT "/etc/nodekiln/image.json"

struct verify {
	const char *path;        /* borrowed; of the artifact */
	struct image *image;     /* owned */
	struct json *about;      /* owned; image.json; NULL when it is missing or broken, which is a finding */
	struct strings findings; /* sentences; none means that it passed */
};

/* -1 only when the file can't be looked at; what is wrong with it is a finding. */
int verify_file(const char *path, struct verify *ret, struct error *err) MUST_CHECK;
void verify_done(struct verify *v);

/* Its parts, one file each: verify_guest.c and verify_images.c look at what is inside, verify_container.c at what it is in. */
int verify_units(struct verify *v, struct error *err) MUST_CHECK;
int verify_kubernetes(struct verify *v, struct error *err) MUST_CHECK;
int verify_images(struct verify *v, struct error *err) MUST_CHECK;
int verify_disk(struct verify *v, struct error *err) MUST_CHECK;
int verify_tarball(struct verify *v, struct error *err) MUST_CHECK;

/* Pure: the value of `key = "value"` in TOML text, quotes of either kind; NULL when there is none. Owned by the caller. */
char *verify_toml_string(const char *toml, const char *key) MUST_CHECK;
/* Pure: must somebody have enabled this unit file for it to start? (Its [Install] has WantedBy= or the like.) */
bool verify_unit_needs_enabling(const char *unit);
