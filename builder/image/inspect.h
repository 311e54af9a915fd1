/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lists the content of a finished artifact without running any of it: from the partition table,
 * from the build's /etc/nodekiln/image.json, and from the guest's dpkg database.
 */
#include "builder/image/image_reader.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/vec.h"

struct inspect_package {
	char *name, *version, *architecture; /* owned */
};

struct inspection {
	const char *path;                     /* borrowed */
	struct image *image;                  /* owned */
	uint64_t file_size;                   /* of the artifact's file */
	struct json *about;                   /* owned; image.json; NULL for an image that nodekiln did not make */
	char *system;                         /* owned; os-release's PRETTY_NAME; may be NULL */
	char *kubernetes;                     /* owned; version; may be NULL */
	struct strings kernels;               /* releases in /boot */
	VEC(struct inspect_package) packages; /* installed ones */
	uint64_t entries, bytes;              /* of the tree */
};

int inspect(const char *path, struct inspection *ret, struct error *err) MUST_CHECK;
void inspection_done(struct inspection *i);

struct json *inspection_json(const struct inspection *i) MUST_CHECK;
void inspection_print(const struct inspection *i, struct text *ret);
