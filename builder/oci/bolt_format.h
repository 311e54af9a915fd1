/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bbolt's file, little-endian: pages 0 and 1 are two copies of the meta page, of which the one with the higher txid counts. For bolt_*.c.
 * A page is a header, then its elements, then what these point to (pos: from the element's own beginning). A value of a bucket is a
 * struct bolt_ref; when its root is 0, its one page follows at once ("inline").
 */
#include <stdint.h>

#define BOLT_MAGIC 0xED0CDAEDu
#define BOLT_VERSION 2
#define BOLT_PAGE 4096u

enum { BOLT_BRANCH = 1, BOLT_LEAF = 2, BOLT_META = 4, BOLT_FREELIST = 16 };
#define BOLT_IS_BUCKET 1u /* a leaf element's flag */

struct bolt_page {
	uint64_t id;
	uint16_t flags, count;
	uint32_t overflow; /* pages that belong to it, beyond the first */
};

struct bolt_ref {
	uint64_t root, sequence;
};

struct bolt_meta {
	uint32_t magic, version, page_size, flags;
	struct bolt_ref root;
	uint64_t freelist, pages, txid;
	uint64_t checksum; /* FNV-1a of all before it */
};

struct bolt_leaf {
	uint32_t flags, pos, key_size, value_size;
};

struct bolt_branch {
	uint32_t pos, key_size;
	uint64_t page;
};

static inline uint64_t bolt_checksum(const struct bolt_meta *meta)
{
	const unsigned char *at = (const unsigned char *)meta, *end = (const unsigned char *)&meta->checksum;
	uint64_t sum = 0xcbf29ce484222325u;

	for (; at < end; at++)
		sum = (sum ^ *at) * 0x100000001b3u;
	return sum;
}
