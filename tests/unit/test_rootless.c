/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/sandbox/rootless.h"

TEST(rootless_range_of_user)
{
	static const char text[] =
		"root:1:65536\nkil:5:65536\nkiln2:6:65536\nkiln:100:10\nkiln:200000:65536\n1001:300000:65535\n";
	struct id_range range = { 0 };

	CHECK(rootless_range(text, "kiln", 1000, &range) && range.start == 200000 && range.count == 65536);
	CHECK(rootless_range(text, "other", 1001, &range) && range.start == 300000 && range.count == 65535);
	CHECK(rootless_range(text, NULL, 1001, &range) && range.start == 300000);
	CHECK(!rootless_range(text, "kilnx", 1002, &range));
}

TEST(rootless_range_skips_other_lines)
{
	static const char *const none[] = {
		"",         "kiln",           "kiln:",        "kiln:1",
		"kiln::",   "kiln:0:65536",   "kiln:x:65536", "kiln:100000:65534",
		"kiln:1:y", "# kiln:1:65536",
	};
	struct id_range range;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		CHECK(!rootless_range(none[i], "kiln", 1000, &range));
}
