/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compresses content only once. Everything that is made from a tree (the qcow2's clusters, the tarball, a
 * layer in the cache) has each whole chunk of a larger file as a single zstd frame of CHUNK bytes of content.
 * So a frame that was made for one of them can be copied into the others.
 *
 * A file of frames ends with an index, which is a skippable zstd frame; a layer in the cache has one too.
 * Frames are found by the inode, size and ctime of the file. This is only an optimization: without the
 * frames, the same bytes are made, more slowly.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/error.h"
#include "lib/text.h"

#define CHUNK_BITS 16u
#define CHUNK (1u << CHUNK_BITS) /* a qcow2 cluster's size */

struct chunks_frame {
	uint64_t at;  /* offset in the file of frames */
	uint64_t len; /* 0 = none: all zeros, or not worth compressing */
};

struct chunks_file {
	uint64_t inode, size;
	int64_t changed, changed_ns; /* ctime */
	uint64_t frame;              /* the first of its size / CHUNK frames */
	uint64_t path;               /* below the root; in index.paths */
};

/* The index, which is written after the frames. */
struct chunks_index {
	VEC(struct chunks_file) files;
	VEC(struct chunks_frame) frames;
	struct text paths;
	int level; /* compression level of the frames */
};
/* Adds a file. Returns the number of its first frame; the caller fills in all its frames. */
size_t chunks_index_add(struct chunks_index *index, const char *path, const struct stat *st);
/* Appends the index to fd. */
int chunks_index_write(const struct chunks_index *index, int fd, struct error *err) MUST_CHECK;
void chunks_index_done(struct chunks_index *index);

/* Compresses every chunk below root into fd (empty), one thread per core. The tree may change
 * meanwhile: chunks of changed files are then not found. */
int chunks_make(const char *root, int level, int fd, struct error *err) MUST_CHECK;

struct chunks; /* opaque; NULL is one without frames */
/* fd is borrowed, and may be closed afterwards. A file without a valid index is ERROR_FAILED. */
int chunks_open(int fd, struct chunks **ret, struct error *err) MUST_CHECK;
/* Looks up the indexed files below rootfd, where the layer has been unpacked, and takes over their inodes and
 * times. */
void chunks_locate(struct chunks *chunks, int rootfd);
int chunks_level(const struct chunks *chunks);
void chunks_close_p(struct chunks **chunks);

struct chunks_piece {
	const void *bytes;
	uint32_t len;
};
/* st may come from an overlayfs whose lower layer is the tree. NULL when the file has no frames. */
const struct chunks_file *chunks_find(const struct chunks *chunks, const struct stat *st);
/* Chunk n of the file. False when there is no frame for it. file may be NULL. The bytes are valid until
 * chunks_close_p(). */
bool chunks_get(const struct chunks *chunks, const struct chunks_file *file, uint64_t n, struct chunks_piece *ret);

/* Clusters of a disk that are not written to the disk, since they already exist as frames that the qcow2
 * takes over. */
struct chunks_map {
	const struct chunks *chunks;  /* borrowed; may be NULL */
	struct chunks_piece *cluster; /* borrowed; one for each CHUNK of the disk; len 0 = the cluster is on the disk */
};
