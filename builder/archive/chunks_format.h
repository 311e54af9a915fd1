/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What stands at the end of a file of frames, in the machine's byte order, for it never leaves its machine's cache:
 *
 *	skippable zstd frame's header | files | frames | paths | trailer
 *
 * For chunks*.c.
 */
#include <stdint.h>

#define CHUNKS_SKIPPABLE 0x184d2a5eu /* RFC 8878, one of sixteen: readers of zstd pass over it */
#define CHUNKS_MAGIC 0x31736b6e7568634eull
#define CHUNKS_INDEX_MAX (1u << 30)

struct chunks_skippable {
	uint32_t magic, size;
};

struct chunks_trailer {
	uint64_t files, frames, paths; /* counts; bytes */
	int64_t level;                 /* that the frames were compressed with */
	uint64_t magic;
};
