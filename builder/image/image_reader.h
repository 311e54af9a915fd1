/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reads a finished artifact without mounting anything: a qcow2 or raw disk (libblkid finds the partitions,
 * libext2fs reads the root) or a tarball (libarchive). `inspect`, `diff` and `verify` read images only through
 * this.
 *
 * Images are hostile: image_open() opens descriptors and parses nothing; then the process gives up its rights
 * (builder/sandbox/confine.h), and image_load() parses. What an image makes grow has a limit: its entries, the bytes of their
 * names, the bytes of its contents.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "lib/vec.h"

enum image_kind { IMAGE_DISK, IMAGE_TARBALL };

struct image_partition {
	unsigned number;
	uint64_t start, size; /* bytes */
	char name[73], type[37], uuid[37];
	char filesystem[17], label[65], filesystem_uuid[37]; /* "" when unknown */
};

struct image; /* opaque */

struct image_entry;

/* What is done with the content of a tarball's file, which can be read only once; a disk's files can be read at any time. */
enum image_want {
	IMAGE_SKIP,   /* image_read() fails */
	IMAGE_KEEP,   /* image_read() works */
	IMAGE_DIGEST, /* image_content_digest() works */
};
typedef enum image_want image_want_fn(const struct image_entry *e);

int image_open(const char *path, struct image **ret, struct error *err) MUST_CHECK;
/* want is asked for each regular file. Other functions need a loaded image. */
int image_load(struct image *image, image_want_fn *want, struct error *err) MUST_CHECK;
int image_fd(const struct image *image); /* the image's file, borrowed */
void image_close_p(struct image **image);
enum image_kind image_kind(const struct image *image);
uint64_t image_virtual_size(const struct image *image); /* of the disk; 0 for a tarball */
size_t image_partitions(const struct image *image, const struct image_partition **ret);

/* Paths are absolute, as the guest sees them; symlinks in the middle are followed, a last one is not. */
struct image_entry {
	char *path;
	mode_t mode;
	uint32_t uid, gid;
	uint64_t size;
	int64_t mtime;
	char *link;       /* target of a symlink, else NULL */
	char *sha256;     /* of a tarball's file that was wanted for its digest, else NULL */
	char *attributes; /* extended ones: "NAME=HEX NAME=HEX", by name; of a long value its digest; NULL = none */
};
/* 1 when it exists, 0 when not, -1 on a broken image. The entry is borrowed until the image closes. */
int image_stat(struct image *image, const char *path, const struct image_entry **ret, struct error *err) MUST_CHECK;
/* The same, but follows a last symlink. */
int image_follow(struct image *image, const char *path, const struct image_entry **ret, struct error *err) MUST_CHECK;
/* Follows a last symlink. A missing file is ERROR_FAILED. */
int image_read(struct image *image, const char *path, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
/* A part of a regular file from byte `from` on: len bytes, fewer where the file ends. e: as image_stat() or image_walk() gave it. */
int image_read_part(struct image *image, const struct image_entry *e, uint64_t from, size_t len, struct text *ret,
		    struct error *err) MUST_CHECK;
/* SHA-256 of a regular file's content. */
int image_content_digest(struct image *image, const struct image_entry *e, char ret_hex[SHA256_HEX], struct error *err)
	MUST_CHECK;
/* SHA-256 of a part of the raw disk. */
int image_digest(struct image *image, uint64_t start, uint64_t size, char ret_hex[SHA256_HEX], struct error *err)
	MUST_CHECK;
/* Every entry, sorted by path. */
int image_walk(struct image *image, int (*entry)(void *context, const struct image_entry *e, struct error *err),
	       void *context, struct error *err) MUST_CHECK;
