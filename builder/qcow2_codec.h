/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How one qcow2 cluster is compressed, exactly as QEMU reads it: a single zstd frame, or a raw deflate stream with a 4
 * KiB window. One codec per thread.
 */
#include <stddef.h>

#include "builder/recipe.h"
#include "lib/macro.h"

struct qcow2_codec; /* opaque */

/* level 0 = the library's default. */
struct qcow2_codec *qcow2_codec_new(enum compression compression, int level) MUST_CHECK;
void qcow2_codec_free_p(struct qcow2_codec **codec);

/* The compressed length, or 0 when it would be more than max bytes: then the cluster is better stored as it is. */
size_t qcow2_codec_pack(struct qcow2_codec *codec, const void *in, size_t len, void *out, size_t max) MUST_CHECK;
/* in may have rubbish behind the compressed data (lengths are known in sectors only). -1 unless it makes exactly size
 * bytes. */
int qcow2_codec_unpack(struct qcow2_codec *codec, const void *in, size_t len, void *out, size_t size) MUST_CHECK;
