/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reads and writes tar archives as streams of members, through libarchive (tar.c is its only user). Nothing
 * here touches a tree: extract.c writes members into a tree, tarball.c makes members from a tree.
 *
 *	while ((rc = tar_read_next(r, &entry, err)) > 0)
 *		while ((rc = tar_read_data(r, &block, &n, &offset, err)) > 0) ...
 *
 * Readers recognize plain tar, gzip, xz, bzip2 and zstd by the content, and never start a program.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "builder/archive/chunks.h"
#include "builder/archive/codec.h"
#include "lib/error.h"
#include "lib/vec.h"

#define TAR_MEMBERS_MAX (4u << 20)  /* members of one archive */
#define TAR_SIZE_MAX (256ull << 30) /* bytes of all members of one archive together */
#define TAR_PATH_MAX 4095           /* bytes of a name or link target */
#define TAR_XATTR_MAX 64            /* attributes of one member */

struct tar_xattr {
	const char *name;
	const void *value;
	size_t size;
};

/* The parts of a sparse file that are no holes, in order; of one without any, its end as an empty part. */
struct tar_part {
	off_t start, size;
};
struct tar_data {
	VEC(struct tar_part) part;
};

/* Pointers are borrowed: from the reader until its next member, or from the caller that writes. */
struct tar_entry {
	const char *path;     /* as in the archive */
	const char *target;   /* symbolic link: where it points; else NULL */
	const char *original; /* hard link: path of the member that it is a link to; else NULL */
	mode_t mode;          /* type and permissions; of a hard link S_IFREG */
	uint32_t uid, gid;
	dev_t device;  /* character and block devices */
	uint64_t size; /* regular files */
	time_t mtime;  /* whole seconds */
	const struct tar_xattr *xattr;
	size_t xattrs;
	const struct tar_data
		*data; /* only written: a sparse file; NULL = without holes. Readers get holes as gaps between blocks */
};

struct tar_reader; /* opaque */

/* bytes is borrowed for the lifetime of the reader. name is for messages. */
int tar_read_memory(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err)
	MUST_CHECK;
/* Reads no members: tar_read_data() returns the decompressed archive itself. */
int tar_read_unpacked(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err)
	MUST_CHECK;
/* A zip file, with all members of its directory; sizes, times and contents only. */
int tar_read_zip(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err) MUST_CHECK;
/* Reads from the current file position; fd is borrowed and may be a pipe. */
int tar_read_fd(int fd, const char *name, struct tar_reader **ret, struct error *err) MUST_CHECK;
/* 1 with the next member, 0 at the end, -1. */
int tar_read_next(struct tar_reader *r, const struct tar_entry **ret, struct error *err) MUST_CHECK;
/* 1 with the next block of the member and its offset in the file (holes are skipped), 0 at its end, -1. */
int tar_read_data(struct tar_reader *r, const void **ret_block, size_t *ret_n, off_t *ret_offset, struct error *err)
	MUST_CHECK;
void tar_reader_free_p(struct tar_reader **r);

struct tar_writer; /* opaque */

/*
 * A zstd archive consists of many frames (frames.h). The end of the archive (1024 zero bytes) is a separate
 * frame, always the same TAR_END_SIZE bytes. So members can be added without compressing the archive again,
 * by writing another archive over this frame (readers of tar stop at the first end of an archive).
 */
#define TAR_END_SIZE 11
extern const unsigned char tar_zstd_end[TAR_END_SIZE];

/* level: 0 = the library's default. */
int tar_write_fd(int fd, enum compression compression, int level, struct tar_writer **ret, struct error *err)
	MUST_CHECK;
int tar_write_entry(struct tar_writer *w, const struct tar_entry *entry, struct error *err) MUST_CHECK;
/* The content of the regular file that was written as entry: entry->size bytes in all, holes included. */
int tar_write_data(struct tar_writer *w, const void *data, size_t n, struct error *err) MUST_CHECK;
/* The same for a zstd archive only: the next CHUNK bytes, as a finished frame or as data to make a frame of.
 * *ret_frame: the position of the frame, counted from the beginning of the archive, for the index of
 * chunks.h. */
int tar_write_frame(struct tar_writer *w, const struct chunks_piece *frame, struct chunks_frame *ret_frame,
		    struct error *err) MUST_CHECK;
int tar_write_chunk(struct tar_writer *w, const void *data, struct chunks_frame *ret_frame, struct error *err)
	MUST_CHECK;
/* Ends the archive and flushes it; without this call the file is incomplete. */
int tar_write_end(struct tar_writer *w, struct error *err) MUST_CHECK;
void tar_writer_free_p(struct tar_writer **w);
