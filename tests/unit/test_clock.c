/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "lib/clock.h"
#include "tests/unit/check.h"

TEST(clock_text_is_rfc3339)
{
	char buffer[CLOCK_TEXT_MAX];

	CHECK_STR(clock_text(0, buffer), "1970-01-01T00:00:00Z");
	CHECK_STR(clock_text(1795341600, buffer), "2026-11-22T10:00:00Z");
}

TEST(clock_text_after_2038)
{
	char buffer[CLOCK_TEXT_MAX];

	CHECK_STR(clock_text((time_t)INT32_MAX + 1, buffer), "2038-01-19T03:14:08Z");
	CHECK_STR(clock_text((time_t)1 << 32, buffer), "2106-02-07T06:28:16Z");
	CHECK_STR(clock_text((time_t)INT64_MAX, buffer), "1970-01-01T00:00:00Z"); /* no year that struct tm holds */
}

TEST(clock_nap_takes_about_so_long)
{
	double start = clock_seconds();

	clock_nap(0.04);
	double took = clock_seconds() - start;
	CHECK(took >= 0.03 && took < 5); /* a loaded machine may be late */
}
