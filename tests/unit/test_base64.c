/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base64.h"

#include "tests/unit/check.h"

/* RFC 4648, section 10, and what the alphabet's end is for. */
static const struct {
	const char *plain, *encoded;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

TEST(base64_rfc_vectors)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		CLEANUP(text_done) struct text encoded = { 0 }, decoded = { 0 };
		base64_encode(vectors[i].plain, strlen(vectors[i].plain), &encoded);
		CHECK_STR(encoded.data ? encoded.data : "", vectors[i].encoded);
		CHECK(base64_decode(vectors[i].encoded, &decoded));
		CHECK_STR(decoded.data ? decoded.data : "", vectors[i].plain);
	}
}

TEST(base64_decode_skips_white_space)
{
	CLEANUP(text_done) struct text decoded = { 0 };

	CHECK(base64_decode(" Zm9v\r\nYm\nFy\n", &decoded));
	CHECK_STR(decoded.data, "foobar");
}

TEST(base64_decode_refuses)
{
	static const char *const wrong[] = { "Zg", "Zg=", "Zg===", "=", "Zg==Zg==x", "Zm9vZ", "Zm-v", "Zg==Zm9v" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(text_done) struct text decoded = { 0 };
		CHECK(!base64_decode(wrong[i], &decoded));
	}
}
