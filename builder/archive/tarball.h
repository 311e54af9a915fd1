/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree as a tar file: members `./...` sorted by name, numeric ids, pax headers with extended attributes,
 * times in whole seconds, hard links kept, sockets left out. With zstd, each chunk of a larger file is a
 * separate frame (chunks.h). The same tree gives the same bytes.
 *
 * The end of a zstd tarball is a separate frame (tar.h), so that the seed of a node can be added without
 * compressing the rest again. LXC templates follow the rules of pve-container: ids 0 to 65535, no device
 * nodes (the error names the entry).
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "builder/archive/chunks.h"
#include "builder/archive/codec.h"
#include "lib/error.h"

struct tarball {
	int rootfd; /* borrowed */
	enum compression compression;
	int level;
	time_t newest;                /* later mtimes become stamp (SOURCE_DATE_EPOCH); 0 = keep all */
	time_t stamp;                 /* 0 = newest */
	bool strict;                  /* LXC template rules: refuse device nodes and large ids */
	const char *const *leave_out; /* NULL-ended; paths from the root without "./", whole subtrees; may be NULL */
	const struct chunks *chunks;  /* borrowed; frames of the same level to be copied; may be NULL */
	struct chunks_index *index;   /* borrowed; gets the positions of the frames; may be NULL */
};

/* Writes to fd. *ret_members may be NULL. */
int tarball_write(const struct tarball *t, int fd, uint64_t *ret_members, struct error *err) MUST_CHECK;
/* Unpacks a tar (any compression) below rootfd with ids, modes, times and extended attributes; paths never
 * lead out of rootfd. */
int tarball_unpack(int fd, const char *name, int rootfd, struct error *err) MUST_CHECK;
