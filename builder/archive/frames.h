/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes a stream as zstd frames: each chunk (chunks.h) is a separate frame, the bytes between chunks
 * become frames of FRAMES_BATCH bytes. So the output depends only on the stream and on the positions of its
 * chunks.
 */
#include "builder/archive/chunks.h"

#define FRAMES_BATCH (1u << 20)

struct frames; /* opaque */

/* fd: borrowed. level: 0 = zstd's default. */
struct frames *frames_new(int fd, int level) MUST_CHECK;
void frames_free_p(struct frames **f);
/* All return 0, or -1 with errno. */
int frames_add(struct frames *f, const void *bytes, size_t n) MUST_CHECK;
/* Adds the next CHUNK bytes as a finished frame. *ret: its position, counted from the first frame. */
int frames_put(struct frames *f, const struct chunks_piece *frame, struct chunks_frame *ret) MUST_CHECK;
/* Compresses the next CHUNK bytes to a frame. *ret is zero when a disk would not store the chunk as a frame. */
int frames_put_raw(struct frames *f, const void *chunk, struct chunks_frame *ret) MUST_CHECK;
/* Ends the current frame: writes the bytes that were added since the last one. */
int frames_flush(struct frames *f) MUST_CHECK;
