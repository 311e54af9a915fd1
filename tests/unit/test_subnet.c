/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "lib/macro.h"
#include "lib/subnet.h"
#include "tests/unit/check.h"

TEST(subnet_parse_networks)
{
	static const char *const valid[] = { "10.244.0.0/16", "0.0.0.0/0", "10.0.0.7/32",
					     "fd00::/8",      "::/0",      "fd00::1/128" };
	static const char *const wrong[] = {
		"",         "10.0.0.0", "10.0.0.0/",  "10.0.0.0/33", "10.0.0.0/08",   "10.0.0.0/1x",  "10.0.0.1/24",
		"10.0.0/8", "/8",       "fd00::/129", "fd00::1/64",  "10.0.0.0/0016", "10.128.0.0/8", "x/8"
	};
	struct subnet n;

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		CHECK(subnet_parse(valid[i], &n));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(!subnet_parse(wrong[i], &n));
	CHECK(subnet_parse("10.244.0.0/16", &n) && n.family == AF_INET && n.bits == 16 && n.address[1] == 244);
}

TEST(subnet_parse_refuses_a_long_address)
{
	struct subnet n;

	CHECK(!subnet_parse("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8", &n));
}

TEST(subnet_overlap_of_both_families)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },   { "10.0.0.0/16", "10.1.0.0/16", false },
		{ "10.0.0.0/9", "10.128.0.0/9", false }, { "0.0.0.0/0", "10.1.0.0/16", true },
		{ "fd00::/8", "fd12::/16", true },       { "fd00::/16", "fd01::/16", false },
		{ "0.0.0.0/0", "::/0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct subnet a, b;
		CHECK(subnet_parse(cases[i].a, &a) && subnet_parse(cases[i].b, &b));
		CHECK(subnet_overlap(&a, &b) == cases[i].overlap && subnet_overlap(&b, &a) == cases[i].overlap);
	}
}

static bool is_edge(const char *address, unsigned bits, bool one)
{
	struct subnet s;

	return subnet_parse_address(address, &s) && subnet_is_edge(&s, bits, one);
}

TEST(subnet_edges_of_a_network)
{
	struct subnet address, want;

	CHECK(is_edge("192.0.2.0", 24, false) && !is_edge("192.0.2.0", 23, true) && !is_edge("192.0.3.0", 23, false));
	CHECK(is_edge("192.0.2.255", 24, true) && !is_edge("192.0.2.255", 23, true) &&
	      is_edge("192.0.3.255", 23, true));
	CHECK(is_edge("fd00::", 64, false) && !is_edge("fd00::1", 64, false) && !is_edge("192.0.2.7", 32, true));
	CHECK(subnet_parse_address("192.0.2.77", &address) && subnet_parse("192.0.2.64/26", &want));
	struct subnet around = subnet_around(&address, 26);
	CHECK(around.bits == 26 && !memcmp(around.address, want.address, 4));
}
