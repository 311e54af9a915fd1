/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/duration.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

TEST(duration_parse_units)
{
	static const struct {
		const char *text;
		long seconds;
	} cases[] = { { "0", 0 },       { "0s", 0 },           { "90s", 90 },     { "1h30m", 5400 },
		      { "7d", 604800 }, { "1d2h3m4s", 93784 }, { "1d4s", 86404 }, { "3650d", DURATION_MAX },
		      { "007s", 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		long seconds = -1;
		CHECK(duration_parse(cases[i].text, &seconds) && seconds == cases[i].seconds);
	}
}

TEST(duration_parse_refuses)
{
	static const char *const wrong[] = { "",     "1",    "s",    "-1s", "1 s",         "1x",    "1s1m",
					     "1m1m", "1h30", "1.5h", "1S",  "9999999999s", "3651d", "3650d1s" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		long seconds = 7;
		CHECK(!duration_parse(wrong[i], &seconds) && seconds == 7);
	}
}

TEST(duration_text_has_no_days)
{
	char buffer[DURATION_TEXT];

	CHECK_STR(duration_text(0, buffer), "0s");
	CHECK_STR(duration_text(90, buffer), "1m30s");
	CHECK_STR(duration_text(2 * 86400 + 1, buffer), "48h1s");
	CHECK_STR(duration_text(DURATION_MAX, buffer), "87600h");
}
