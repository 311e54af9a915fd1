/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The checks that a finished artifact must pass before it is published. Reads only the file (and SHA256SUMS in the
 * same directory), through image_reader.h; /etc/nodekiln/image.json in the image names its intended content.
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

/* -1 only when the file cannot be read; a fault in it is a finding. */
int verify_file(const char *path, struct verify *ret, struct error *err) MUST_CHECK;
void verify_done(struct verify *v);

/* Its parts, one file each: verify_guest.c and verify_images.c check the contents, verify_container.c the container
 * around them. */
int verify_units(struct verify *v, struct error *err) MUST_CHECK;
int verify_kubernetes(struct verify *v, struct error *err) MUST_CHECK;
int verify_images(struct verify *v, struct error *err) MUST_CHECK;
int verify_disk(struct verify *v, struct error *err) MUST_CHECK;
int verify_tarball(struct verify *v, struct error *err) MUST_CHECK;

/* Pure: the value of `key = "value"` in TOML text, with either kind of quotes; NULL when there is none. Owned by the
 * caller. */
char *verify_toml_string(const char *toml, const char *key) MUST_CHECK;
/* Pure: whether this unit file must be enabled to start: its [Install] has WantedBy= or the like. */
bool verify_unit_needs_enabling(const char *unit);
