/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builder/archive/codec.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"

struct frames {
	int fd;              /* borrowed */
	struct codec *codec; /* owned */
	struct text batch;   /* the bytes of the next frame */
	uint8_t *buffer;     /* owned; large enough for any frame */
	uint64_t at;         /* bytes written */
};

struct frames *frames_new(int fd, int level)
{
	struct frames *f = xcalloc(1, sizeof *f);

	*f = (struct frames){ .fd = fd, .codec = codec_new(COMPRESSION_ZSTD, level) };
	f->buffer = xmalloc(codec_bound(FRAMES_BATCH));
	return f;
}

void frames_free_p(struct frames **f)
{
	if (!*f)
		return;
	codec_free_p(&(*f)->codec);
	text_done(&(*f)->batch);
	free((*f)->buffer);
	free(*f);
	*f = NULL;
}

static int write_bytes(struct frames *f, const void *bytes, size_t n)
{
	f->at += n;
	return write_all(f->fd, bytes, n);
}

static size_t pack(struct frames *f, const void *bytes, size_t n)
{
	size_t len = codec_pack(f->codec, bytes, n, f->buffer, codec_bound(FRAMES_BATCH));

	if (!len)
		errno = ENOMEM; /* the buffer is large enough: nothing else can fail */
	return len;
}

/* Writes the first n bytes of the batch as a frame. */
static int write_batch(struct frames *f, size_t n)
{
	size_t len = pack(f, f->batch.data, n);

	if (!len)
		return -1;
	memmove(f->batch.data, f->batch.data + n, f->batch.len - n);
	f->batch.len -= n;
	return write_bytes(f, f->buffer, len);
}

int frames_add(struct frames *f, const void *bytes, size_t n)
{
	text_addn(&f->batch, bytes, n);
	while (f->batch.len >= FRAMES_BATCH)
		if (write_batch(f, FRAMES_BATCH) < 0)
			return -1;
	return 0;
}

int frames_flush(struct frames *f)
{
	return f->batch.len ? write_batch(f, f->batch.len) : 0;
}

int frames_put(struct frames *f, const struct chunks_piece *frame, struct chunks_frame *ret)
{
	if (frames_flush(f) < 0)
		return -1;
	*ret = (struct chunks_frame){ f->at, frame->len };
	return write_bytes(f, frame->bytes, frame->len);
}

int frames_put_raw(struct frames *f, const void *chunk, struct chunks_frame *ret)
{
	if (frames_flush(f) < 0)
		return -1;
	struct chunks_piece frame = { f->buffer, (uint32_t)pack(f, chunk, CHUNK) };
	if (!frame.len || frames_put(f, &frame, ret) < 0)
		return -1;
	/* As in chunks_make(): a disk does not store zeros and incompressible chunks as frames. */
	if (frame.len >= CHUNK || codec_all_zero(chunk, CHUNK))
		*ret = (struct chunks_frame){ 0 };
	return 0;
}
