/* SPDX-License-Identifier: Apache-2.0 */
/* Compressing and decompressing single blocks. */
#include "builder/archive/codec.h"

#include <stdint.h>

#include "lib/alloc.h"
#include "tests/unit/check.h"

#define BLOCK 65536

static void fill(uint8_t *block, bool random)
{
	uint32_t x = 1;

	for (size_t i = 0; i < BLOCK; i++) {
		x = x * 1664525 + 1013904223;
		block[i] = random ? (uint8_t)(x >> 24) : (uint8_t)(i / 100);
	}
}

static void round_trip(enum compression compression, int level)
{
	CLEANUP(codec_free_p) struct codec *codec = codec_new(compression, level);
	static uint8_t in[BLOCK], out[BLOCK], packed[2 * BLOCK];

	fill(in, false);
	memset(packed, 0xff, sizeof packed); /* what follows the compressed data is no matter */
	size_t n = codec_pack(codec, in, BLOCK, packed, BLOCK - 1);
	CHECK(n > 0 && n < BLOCK / 4);
	CHECK(codec_unpack(codec, packed, n + 512, out, BLOCK) == 0);
	CHECK(!memcmp(in, out, BLOCK));
	CHECK(codec_unpack(codec, packed, n / 2, out, BLOCK) < 0);
	CHECK(codec_pack(codec, in, BLOCK, packed, n - 1) == 0);
}

TEST(codec_zstd_round_trip)
{
	round_trip(COMPRESSION_ZSTD, 0);
	if (!check_failed)
		round_trip(COMPRESSION_ZSTD, 3);
}

TEST(codec_deflate_round_trip)
{
	round_trip(COMPRESSION_ZLIB, 0);
	if (!check_failed)
		round_trip(COMPRESSION_ZLIB, 9);
}

/* A frame whose content has another size than was asked for, and one with a flipped bit. */
TEST(codec_zstd_refuses_other_content)
{
	CLEANUP(codec_free_p) struct codec *codec = codec_new(COMPRESSION_ZSTD, 1);
	static uint8_t in[BLOCK], out[2 * BLOCK], packed[BLOCK];

	fill(in, false);
	size_t n = codec_pack(codec, in, BLOCK, packed, sizeof packed);
	CHECK(n > 0);
	CHECK(codec_unpack(codec, packed, n, out, 2 * BLOCK) < 0);
	CHECK(codec_unpack(codec, packed, n, out, BLOCK / 2) < 0);
	packed[n - 1] ^= 1; /* of the checksum */
	CHECK(codec_unpack(codec, packed, n, out, BLOCK) < 0);
}

TEST(codec_pack_without_compression_stores)
{
	CLEANUP(codec_free_p) struct codec *codec = codec_new(COMPRESSION_NONE, 0);
	char in[10] = { 0 }, out[10];

	CHECK(codec_pack(codec, in, sizeof in, out, sizeof out) == 0);
}

TEST(codec_bound_is_enough_for_noise)
{
	CLEANUP(codec_free_p) struct codec *codec = codec_new(COMPRESSION_ZSTD, 1);
	CLEANUP(free_p) uint8_t *out = xmalloc(codec_bound(BLOCK));
	static uint8_t in[BLOCK];

	fill(in, true);
	CHECK(codec_pack(codec, in, BLOCK, out, BLOCK - 1) == 0);
	size_t n = codec_pack(codec, in, BLOCK, out, codec_bound(BLOCK));
	CHECK(n >= BLOCK && n <= codec_bound(BLOCK));
}

TEST(codec_all_zero_looks_at_every_byte)
{
	char block[257] = { 0 };

	CHECK(codec_all_zero(block, sizeof block) && codec_all_zero(block, 1));
	for (size_t i = 0; i < sizeof block; i++) {
		block[i] = 1;
		CHECK(!codec_all_zero(block, sizeof block));
		block[i] = 0;
	}
}
