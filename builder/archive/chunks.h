/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Content that is compressed once. Whole chunks of larger files are single zstd frames of CHUNK bytes each, in whatever is made
 * of a tree: a cluster of the qcow2, a part of the tarball, a part of a layer in the cache. So a frame that was made for one of
 * them is copied into the others.
 *
 * A file of frames ends in an index, which is a zstd frame that readers skip: a layer in the cache has one, too. Frames are found
 * by the file's inode, size and time of change. Only a help: the same bytes come out without it, later.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/error.h"
#include "lib/text.h"

#define CHUNK_BITS 16u
#define CHUNK (1u << CHUNK_BITS) /* a qcow2 cluster's size */

struct chunks_frame {
	uint64_t at;
	uint64_t len; /* 0 = none: all zeros, or not worth compressing */
};

struct chunks_file {
	uint64_t inode, size;
	int64_t changed, changed_ns; /* ctime */
	uint64_t frame;              /* the first of its size / CHUNK frames */
	uint64_t path;               /* below the root; in index.paths */
};

/* What is written behind the frames. */
struct chunks_index {
	VEC(struct chunks_file) files;
	VEC(struct chunks_frame) frames;
	struct text paths;
	int level; /* that the frames were compressed with */
};
/* Returns the number of the new file's first frame; all its frames are to be filled in. */
size_t chunks_index_add(struct chunks_index *index, const char *path, const struct stat *st);
/* At the end of what fd holds. */
int chunks_index_write(const struct chunks_index *index, int fd, struct error *err) MUST_CHECK;
void chunks_index_done(struct chunks_index *index);

/* Compresses every chunk below root into fd (empty), one thread per core. Others may change the tree meanwhile: what they touch is
 * only not found afterwards. */
int chunks_make(const char *root, int level, int fd, struct error *err) MUST_CHECK;

struct chunks; /* opaque; NULL is one without frames */
/* fd is borrowed; a file without a good index is ERROR_FAILED. */
int chunks_open(int fd, struct chunks **ret, struct error *err) MUST_CHECK;
/* The files stand below root now: what was unpacked from a layer. */
void chunks_locate(struct chunks *chunks, int rootfd);
int chunks_level(const struct chunks *chunks);
void chunks_close_p(struct chunks **chunks);

struct chunks_piece {
	const void *bytes;
	uint32_t len;
};
/* st may come through an overlayfs whose lower layer is the tree. NULL when there is nothing for it. */
const struct chunks_file *chunks_find(const struct chunks *chunks, const struct stat *st);
/* n counts the file's chunks. file may be NULL. */
bool chunks_get(const struct chunks *chunks, const struct chunks_file *file, uint64_t n, struct chunks_piece *ret);

/* A disk on its way to a qcow2: clusters that are not written to it, since they are frames already. */
struct chunks_map {
	const struct chunks *chunks;  /* borrowed; may be NULL */
	struct chunks_piece *cluster; /* borrowed; one for each CHUNK of the disk; len 0 = as the disk has it */
};
