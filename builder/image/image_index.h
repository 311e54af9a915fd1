/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every entry of an image, in memory: what both kinds of images are turned into when they are opened. Lookups and
 * symlinks are answered from here, as the guest would see them.
 */
#include "builder/image/image_reader.h"

struct image_node {
	struct image_entry entry; /* its texts owned */
	uint64_t handle;          /* where its content is: the reader's own business */
};

struct image_index {
	struct image_node *at; /* owned; sorted by path after image_index_sort */
	size_t n, max;
};

#define IMAGE_ENTRIES_MAX (4u << 20)

/* Takes path (absolute) and link over. */
int image_index_add(struct image_index *index, struct image_node node, struct error *err) MUST_CHECK;
/* Of entries with one path, only the one added last stays: so it is in a tar file. */
void image_index_sort(struct image_index *index);
/* By the exact path. */
const struct image_node *image_index_find(const struct image_index *index, const char *path);
/* Follows symlinks on the way, and a last one if asked. NULL when it leads nowhere. */
const struct image_node *image_index_resolve(const struct image_index *index, const char *path, bool follow);
/* One of an entry's extended attributes, as image_entry has it, into list. */
void image_attribute(void *list, const char *name, const void *value, size_t len);
/* All of them as image_entry has them; owned by the caller. */
char *image_attributes(struct strings *list);
void image_index_done(struct image_index *index);
