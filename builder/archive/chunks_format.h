/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The index at the end of a file of frames, in the byte order of the machine, since it never leaves the cache
 * of that machine:
 *
 *	header of a skippable zstd frame | files | frames | paths | trailer
 *
 * Private to chunks*.c.
 */
#include <stdint.h>

#define CHUNKS_SKIPPABLE 0x184d2a5eu /* RFC 8878, one of sixteen magic numbers of frames that decoders skip */
#define CHUNKS_MAGIC 0x31736b6e7568634eull
#define CHUNKS_INDEX_MAX (1u << 30)

struct chunks_skippable {
	uint32_t magic, size;
};

struct chunks_trailer {
	uint64_t files, frames, paths; /* numbers of files and frames; bytes of paths */
	int64_t level;                 /* compression level of the frames */
	uint64_t magic;
};
