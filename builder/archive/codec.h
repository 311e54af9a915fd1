/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a piece of content is compressed: a single zstd frame, or a raw deflate stream with a 4 KiB window, exactly as QEMU reads
 * a qcow2 cluster. One codec per thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"

enum compression { COMPRESSION_ZSTD, COMPRESSION_ZLIB, COMPRESSION_NONE };

struct codec; /* opaque */

/* level 0 = the library's default. */
struct codec *codec_new(enum compression compression, int level) MUST_CHECK;
void codec_free_p(struct codec **codec);

/* The compressed length, or 0 when it would be more than max bytes: then it is better stored as it is. */
size_t codec_pack(struct codec *codec, const void *in, size_t len, void *out, size_t max) MUST_CHECK;
/* in may have rubbish behind the compressed data (lengths are known in sectors only). -1 unless it makes exactly size
 * bytes. */
int codec_unpack(struct codec *codec, const void *in, size_t len, void *out, size_t size) MUST_CHECK;
/* max that is always enough for len bytes with zstd. */
size_t codec_bound(size_t len);
bool codec_all_zero(const void *data, size_t len);
