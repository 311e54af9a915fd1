/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * qcow2 version 3 (QEMU docs/interop/qcow2.txt), limited to what a template needs: one image, no backing file, no
 * snapshots, 64 KiB clusters, compressed with zstd (incompatible feature bit 3) or zlib; all-zero clusters are not
 * stored. Compression runs in threads; the file does not depend on their number.
 */
#include <stdint.h>

#include "builder/archive/chunks.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

struct qcow2_options {
	enum compression compression;                                   /* COMPRESSION_NONE: plain clusters */
	int level;                                                      /* 0 = the library's default */
	unsigned threads;                                               /* 0 = one per core */
	void (*progress)(void *context, uint64_t done, uint64_t total); /* bytes of the raw disk; may be NULL */
	void *context;
	/* Clusters that are compressed already, with this compression and level; may be NULL. */
	const struct chunks_map *map;
};

/* raw_fd: a regular file (holes are skipped) of the virtual size. out_fd: an empty file. */
int qcow2_write(int raw_fd, int out_fd, const struct qcow2_options *options, struct error *err) MUST_CHECK;

/* The header's values, after checks. */
struct qcow2_info {
	uint64_t size, cluster_size, allocated; /* allocated: guest bytes that are stored, before compression */
	enum compression compression;
	uint32_t version;
};
int qcow2_info(int fd, struct qcow2_info *ret, struct error *err) MUST_CHECK;
/* Reads any qcow2 of the kind above (also qemu-img's) into a sparse raw file. Hostile input is an error, never a
 * crash; at most QCOW2_SIZE_MAX virtual bytes. */
#define QCOW2_SIZE_MAX (1ull << 42)
int qcow2_read(int fd, int raw_fd, struct error *err) MUST_CHECK;
