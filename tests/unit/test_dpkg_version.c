/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/dpkg_version.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

static const struct {
	const char *less, *greater;
} orders[] = {
	{ "1.0", "1.1" },       { "1.9", "1.10" },           { "1.0~rc1", "1.0" },
	{ "1.0", "1.0-1" },     { "1.0~", "1.0" },           { "1.0~~", "1.0~" },
	{ "1.0", "1.0a" },      { "1.0a", "1.0+" },          { "9", "1:1" },
	{ "1:2", "2:1" },       { "1.0-1", "1.0-1.1" },      { "1.0-1~bpo1", "1.0-1" },
	{ "1.2-3", "1.2.1-1" }, { "0.0.9", "0.0.10" },       { "2.36-9", "2.36-9+deb12u1" },
	{ "a", "b" },           { "5.7~rc5-1~exp1", "5.7" },
};

TEST(dpkg_version_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		CHECK(dpkg_version_compare(orders[i].less, orders[i].greater) < 0);
		CHECK(dpkg_version_compare(orders[i].greater, orders[i].less) > 0);
		CHECK(dpkg_version_compare(orders[i].less, orders[i].less) == 0);
	}
	CHECK(dpkg_version_compare("0:1.0", "1.0") == 0);
	CHECK(dpkg_version_compare("1.0-0", "1.0") == 0);
	CHECK(dpkg_version_compare("1.001", "1.1") == 0);
}

TEST(dpkg_version_relations)
{
	CHECK(dpkg_version_satisfies("1.0", "<< 1.1") && !dpkg_version_satisfies("1.1", "<< 1.1"));
	CHECK(dpkg_version_satisfies("1.1", "<= 1.1") && dpkg_version_satisfies("1.1", ">=1.1"));
	CHECK(dpkg_version_satisfies("1.1", "= 1.1") && !dpkg_version_satisfies("1.1", "= 1.2"));
	CHECK(dpkg_version_satisfies("1.2", ">> 1.1") && !dpkg_version_satisfies("1.1", ">> 1.1"));
	CHECK(!dpkg_version_satisfies("1.1", "1.1"));
}
