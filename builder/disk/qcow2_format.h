/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The on-disk structures of qcow2 (QEMU docs/interop/qcow2.txt), shared by the writer and the reader. All numbers are
 * big-endian.
 */
#include <stdint.h>

#define QCOW2_MAGIC 0x514649fbu /* "QFI\xfb" */
#define QCOW2_SECTOR 512u       /* the unit of a compressed cluster's length */

#define QCOW2_INCOMPATIBLE_DIRTY (1u << 0)
#define QCOW2_INCOMPATIBLE_COMPRESSION (1u << 3) /* compression_type is not 0 */

#define QCOW2_TYPE_ZLIB 0
#define QCOW2_TYPE_ZSTD 1

/* L1 and L2 entries */
#define QCOW2_COPIED (1ull << 63)     /* the cluster's refcount is exactly 1 */
#define QCOW2_COMPRESSED (1ull << 62) /* the rest is a compressed cluster descriptor */
#define QCOW2_ZERO (1ull << 0)        /* reads as zeros, whatever the offset says */
#define QCOW2_OFFSET 0x00fffffffffffe00ull

/* A compressed cluster's descriptor: the byte offset is below this bit; above it is the number of sectors after the
 * first one. */
#define QCOW2_SECTORS_SHIFT(cluster_bits) (62u - ((cluster_bits)-8u))

struct qcow2_header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t crypt_method, l1_size;
	uint64_t l1_offset, refcount_offset;
	uint32_t refcount_clusters, snapshots;
	uint64_t snapshots_offset;
	/* version 3 only */
	uint64_t incompatible, compatible, autoclear;
	uint32_t refcount_order, header_length;
	/* valid only when header_length includes it */
	uint8_t compression_type, padding[7];
};
_Static_assert(sizeof(struct qcow2_header) == 112, "no padding may slip in");
#define QCOW2_HEADER_V2 72u  /* bytes of a version 2 header */
#define QCOW2_HEADER_V3 104u /* the minimum of a version 3 header */
