/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stream as zstd frames: chunks (chunks.h) are frames of their own, what is between them comes in frames of FRAMES_BATCH bytes.
 * Cut so, the bytes depend on nothing but the stream and where its chunks are.
 */
#include "builder/archive/chunks.h"

#define FRAMES_BATCH (1u << 20)

struct frames; /* opaque */

/* fd: borrowed. level: 0 = zstd's default. */
struct frames *frames_new(int fd, int level) MUST_CHECK;
void frames_free_p(struct frames **f);
/* All return 0, or -1 with errno. */
int frames_add(struct frames *f, const void *bytes, size_t n) MUST_CHECK;
/* The next CHUNK bytes, as the frame that they are already. *ret: where it is, counted from the first frame. */
int frames_put(struct frames *f, const struct chunks_piece *frame, struct chunks_frame *ret) MUST_CHECK;
/* The same of the bytes themselves. *ret is empty when nobody could use the frame as a chunk's. */
int frames_put_raw(struct frames *f, const void *chunk, struct chunks_frame *ret) MUST_CHECK;
/* What was added and is no frame yet becomes one. */
int frames_flush(struct frames *f) MUST_CHECK;
