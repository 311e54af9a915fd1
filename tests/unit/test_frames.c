/* SPDX-License-Identifier: Apache-2.0 */
/* A stream as zstd frames, read back by libarchive. */
#include "builder/archive/frames.h"

#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/codec.h"
#include "builder/archive/tar.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "tests/unit/check.h"

static void unpack(int fd, struct text *ret_packed, struct text *ret)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d", fd);
	struct error err = { 0 };
	const void *block;
	size_t n;
	off_t offset;

	if (file_read(AT_FDCWD, path, 64 << 20, ret_packed, &err) < 0 ||
	    tar_read_unpacked(ret_packed->data, ret_packed->len, "frames", &r, &err) < 0)
		abort();
	while (tar_read_data(r, &block, &n, &offset, &err) > 0)
		text_addn(ret, block, n);
}

static void fill(char *bytes, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)((i >> 4) + seed);
}

TEST(frames_keep_the_stream_and_place_chunks)
{
	CLEANUP(close_p) int fd = memfd_create("frames", MFD_CLOEXEC);
	CLEANUP(frames_free_p) struct frames *f = frames_new(fd, 1);
	CLEANUP(codec_free_p) struct codec *codec = codec_new(COMPRESSION_ZSTD, 1);
	CLEANUP(text_done) struct text packed = { 0 }, got = { 0 }, want = { 0 };
	static char chunk[CHUNK], out[CHUNK], noise[FRAMES_BATCH + 5];
	struct chunks_frame raw, copied;

	fill(noise, sizeof noise, 1);
	fill(chunk, CHUNK, 2);
	size_t len = codec_pack(codec, chunk, CHUNK, out, CHUNK);
	CHECK(len > 0);
	CHECK(frames_add(f, noise, sizeof noise) == 0);
	CHECK(frames_put_raw(f, chunk, &raw) == 0);
	CHECK(frames_put(f, &(struct chunks_piece){ out, (uint32_t)len }, &copied) == 0);
	CHECK(frames_add(f, "end", 3) == 0 && frames_flush(f) == 0 && frames_flush(f) == 0);

	text_addn(&want, noise, sizeof noise);
	text_addn(&want, chunk, CHUNK);
	text_addn(&want, chunk, CHUNK);
	text_add(&want, "end");
	unpack(fd, &packed, &got);
	CHECK(got.len == want.len && !memcmp(got.data, want.data, want.len));
	/* Both frames are the same bytes, one after the other. */
	CHECK(raw.len == len && copied.len == len && copied.at == raw.at + len);
	CHECK(!memcmp(packed.data + raw.at, out, len) && !memcmp(packed.data + copied.at, out, len));
}

TEST(frames_put_raw_of_zeros_is_no_chunk)
{
	CLEANUP(close_p) int fd = memfd_create("frames", MFD_CLOEXEC);
	CLEANUP(frames_free_p) struct frames *f = frames_new(fd, 0);
	static const char zeros[CHUNK];
	struct chunks_frame frame = { 1, 1 };

	CHECK(frames_put_raw(f, zeros, &frame) == 0);
	CHECK(frame.at == 0 && frame.len == 0);
}

TEST(frames_report_a_failed_write)
{
	CLEANUP(close_p) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(frames_free_p) struct frames *f = frames_new(fd, 0);
	static char chunk[CHUNK];
	struct chunks_frame frame;

	fill(chunk, CHUNK, 3);
	CHECK(frames_put_raw(f, chunk, &frame) < 0);
	CHECK(frames_add(f, "x", 1) == 0 && frames_flush(f) < 0);
}
