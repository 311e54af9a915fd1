/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file format of bbolt, little-endian: pages 0 and 1 are two copies of the meta page; the one with the higher txid
 * is valid. For bbolt_*.c. A page is a header, then its elements, then the data that these point to (pos: from the
 * element's own start). A value that is a bucket is a struct bbolt_ref; when its root is 0, its only page follows
 * directly ("inline").
 */
#include <stdint.h>

#define BBOLT_MAGIC 0xED0CDAEDu
#define BBOLT_VERSION 2
#define BBOLT_PAGE 4096u

enum { BBOLT_BRANCH = 1, BBOLT_LEAF = 2, BBOLT_META = 4, BBOLT_FREELIST = 16 };
#define BBOLT_IS_BUCKET 1u /* a leaf element's flag */

struct bbolt_page {
	uint64_t id;
	uint16_t flags, count;
	uint32_t overflow; /* pages that belong to it after the first */
};

struct bbolt_ref {
	uint64_t root, sequence;
};

struct bbolt_meta {
	uint32_t magic, version, page_size, flags;
	struct bbolt_ref root;
	uint64_t freelist, pages, txid;
	uint64_t checksum; /* FNV-1a of everything before it */
};

struct bbolt_leaf {
	uint32_t flags, pos, key_size, value_size;
};

struct bbolt_branch {
	uint32_t pos, key_size;
	uint64_t page;
};

static inline uint64_t bbolt_checksum(const struct bbolt_meta *meta)
{
	const unsigned char *at = (const unsigned char *)meta, *end = (const unsigned char *)&meta->checksum;
	uint64_t sum = 0xcbf29ce484222325u;

	for (; at < end; at++)
		sum = (sum ^ *at) * 0x100000001b3u;
	return sum;
}
