/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of a sandbox's user namespace. test_sandbox runs programs in it. */
#include "builder/sandbox/sandbox_userns.h"

#include "tests/unit/check.h"

static const struct {
	const char *map, *identity;
} maps[] = {
	{ "         0          0 4294967295\n", "0 0 4294967295\n" }, /* of the host */
	{ "0 1000 1\n1 100000 65535\n", "0 0 1\n1 1 65535\n" },       /* of a user with subordinate ids */
	{ "0 0 65536\n", "0 0 65536\n" },
	{ "", "" },
	{ "0 0", "" },
};

TEST(sandbox_userns_identity_of_maps)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		CLEANUP(text_done) struct text got = { 0 };
		sandbox_userns_identity(maps[i].map, &got);
		CHECK_STR(got.len ? got.data : "", maps[i].identity);
	}
}

TEST(sandbox_userns_entered_only_inside)
{
	CHECK(!sandbox_userns_entered());
}
