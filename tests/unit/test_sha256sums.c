/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, changing and printing SHA256SUMS. */
#include "builder/artifacts/sha256sums.h"

#include <stdio.h>

#include "tests/unit/check.h"

TEST(sha256sums_parse_keeps_valid_lines)
{
	CLEANUP(sha256sums_done) struct sha256sums s = { 0 };
	CLEANUP(text_done) struct text t = { 0 };
	char text[512], hex[65];

	memset(hex, 'b', 64);
	hex[64] = '\0';
	snprintf(text, sizeof text, "# a remark\n%s  z.qcow2\n%s *binary\n%s\n\n%.63s  short\n%s  z.qcow2\n", hex, hex,
		 hex, hex, hex);
	sha256sums_parse(text, &s);
	sha256sums_set(&s, "a.tar", hex);
	sha256sums_drop(&s, "nothing");
	sha256sums_print(&s, &t);
	snprintf(text, sizeof text, "%s  a.tar\n%s  binary\n%s  z.qcow2\n", hex, hex, hex);
	CHECK_STR(t.data, text);
	CHECK(!sha256sums_find(&s, "short"));
}

TEST(sha256sums_find_returns_the_digest_alone)
{
	CLEANUP(sha256sums_done) struct sha256sums s = { 0 };
	char line[80], hex[65];

	memset(hex, 'c', 64);
	hex[64] = '\0';
	snprintf(line, sizeof line, "%s  a.tar", hex);
	sha256sums_parse(line, &s);
	CHECK_STR(sha256sums_find(&s, "a.tar"), hex);
}

TEST(sha256sums_last_line_of_a_name_counts)
{
	CLEANUP(sha256sums_done) struct sha256sums s = { 0 };
	char text[200], one[65], two[65];

	memset(one, '1', 64);
	memset(two, '2', 64);
	one[64] = two[64] = '\0';
	snprintf(text, sizeof text, "%s  a\n%s  a\n", one, two);
	sha256sums_parse(text, &s);
	CHECK(s.line.n == 1);
	CHECK_STR(sha256sums_find(&s, "a"), two);
	sha256sums_drop(&s, "a");
	CHECK(s.line.n == 0 && !sha256sums_find(&s, "a"));
}
