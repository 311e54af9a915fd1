/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compresses one block of content: as a single zstd frame, or as a raw deflate stream with a 4 KiB window,
 * exactly as QEMU reads a qcow2 cluster. A codec may be used by one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"

enum compression { COMPRESSION_ZSTD, COMPRESSION_ZLIB, COMPRESSION_NONE };

struct codec; /* opaque */

/* level 0 = the library's default. */
struct codec *codec_new(enum compression compression, int level) MUST_CHECK;
void codec_free_p(struct codec **codec);

/* Returns the compressed length, or 0 when it would be more than max bytes: the block is then better stored
 * as it is. */
size_t codec_pack(struct codec *codec, const void *in, size_t len, void *out, size_t max) MUST_CHECK;
/* in may have trailing garbage (the length of a qcow2 cluster is known in sectors only). -1 unless the
 * content has exactly size bytes. */
int codec_unpack(struct codec *codec, const void *in, size_t len, void *out, size_t size) MUST_CHECK;
/* The max for codec_pack() with which zstd never fails for len bytes. */
size_t codec_bound(size_t len);
/* len: at least 1. */
bool codec_all_zero(const void *data, size_t len);
