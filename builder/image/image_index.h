/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every entry of an image, in memory: both kinds of images are turned into this when they are opened. Lookups and
 * symlinks are resolved here, as the guest would see them.
 */
#include "builder/image/image_reader.h"

struct image_node {
	struct image_entry entry; /* its strings are owned */
	uint64_t handle;          /* where its content is: private to the reader */
};

struct image_index {
	struct image_node *at; /* owned; sorted by path after image_index_sort */
	size_t n, max;
	size_t text; /* bytes of all names, link targets and attributes */
};

#define IMAGE_ENTRIES_MAX (4u << 20)
#define IMAGE_TEXT_MAX (512u << 20)
#define IMAGE_BYTES_MAX (256ull << 30) /* of all files; each name of a file counts, as each is read */

/* Takes ownership of path (absolute) and link. */
int image_index_add(struct image_index *index, struct image_node node, struct error *err) MUST_CHECK;
/* Of entries with the same path only the one that was added last stays, as when a tar file is unpacked. */
void image_index_sort(struct image_index *index);
/* That the sizes of all files together are within IMAGE_BYTES_MAX; call it when the index is complete. */
int image_index_check(const struct image_index *index, struct error *err) MUST_CHECK;
/* By the exact path. */
const struct image_node *image_index_find(const struct image_index *index, const char *path);
/* Follows symlinks on the way, and a last one if requested. NULL when the path leads nowhere. */
const struct image_node *image_index_resolve(const struct image_index *index, const char *path, bool follow);
/* Adds one of an entry's extended attributes to list, in image_entry's form. */
void image_attribute(void *list, const char *name, const void *value, size_t len);
/* All of them in image_entry's form; owned by the caller. */
char *image_attributes(struct strings *list);
void image_index_done(struct image_index *index);
