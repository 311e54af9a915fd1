/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which file of an image is from where: from a package, by dpkg's database in the image, or from the build itself, by the list in
 * image.json (overlays, compiled components, the agent). What packages' scripts and the build's steps make is described by a table in
 * verify_unknown.c.
 */
#include "builder/image/image_reader.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

struct origin {
	const struct image_entry *entry; /* borrowed from the image */
	const char *package; /* borrowed from origins; as in dpkg's file names, "libc6:amd64"; NULL = the build */
};

struct origins {
	VEC(struct origin) list; /* sorted by entry */
	struct strings packages; /* of all that have a list of files */
	struct strings diverted; /* paths in these lists that are elsewhere, by a diversion */
};

/* about: image.json; may be NULL. */
int origins_read(struct image *image, const struct json *about, struct origins *ret, struct error *err) MUST_CHECK;
/* NULL when neither a package nor the build has it. The build's overlays replace files of packages, so the build comes first. */
const struct origin *origins_find(const struct origins *o, const struct image_entry *e);
/* Whether the file of a package with this path is elsewhere (dpkg-divert(1)). */
bool origins_diverted(const struct origins *o, const char *path);
void origins_done(struct origins *o);

#define ORIGIN_INFO "/var/lib/dpkg/info/"
#define ORIGIN_FILE_MAX (64u << 20) /* bytes of one file of dpkg's database */
