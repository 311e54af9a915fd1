/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/golang/go_version.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

/* In ascending order. The names and their order are those of semver_test.go in golang.org/x/mod, and versions of real modules. */
static const char *const ascending[] = {
	"v0.0.0-20180306012644-bacd9c7ef1dd",
	"v0.0.0-20191010083416-a7dc8b61c822",
	"v0.0.0",
	"v0.37.2",
	"v1.0.0-alpha",
	"v1.0.0-alpha.1",
	"v1.0.0-alpha.beta",
	"v1.0.0-beta",
	"v1.0.0-beta.2",
	"v1.0.0-beta.11",
	"v1.0.0-rc.1",
	"v1.0.0",
	"v1.1.2-0.20180830191138-d8f796af33cc",
	"v1.1.2",
	"v1.2.0",
	"v1.2.3-456",
	"v1.2.3-456.789",
	"v1.2.3-12345678901234567890",
	"v1.2.3-456-789",
	"v1.2.3-456a",
	"v1.2.3-pre",
	"v1.2.3-zzz",
	"v1.2.3",
	"v1.2.4-0.20200101000000-000000000000",
	"v1.2.4",
	"v1.10.0",
	"v2.0.0",
	"v10.0.0",
	"v18446744073709551616.0.0",
};

static const char *const not_valid[] = {
	"",           "v",         "1.2.3",       "vx",          "v1.",       "v1.2.",
	"v1.2.3.4",   "v01.2.3",   "v1.02.3",     "v1.2.03",     "v1.2-pre",  "v1-pre",
	"v1+meta",    "v1.2+meta", "v1.2.3-",     "v1.2.3-a..b", "v1.2.3-01", "v1.2.3-a.01",
	"v1.2.3-a_b", "v1.2.3+",   "v1.2.3+a..b", "v1.2.3+a b",  "v1.2.3 ",   "v1.2.3-pre+meta!",
	"v1.2.3-a.",  "bad",       "v-1.0.0",     "V1.2.3",
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

TEST(go_version_order)
{
	for (int i = 0; i < (int)ARRAY_SIZE(ascending); i++) {
		CHECK(go_version_is_valid(ascending[i]));
		for (int k = 0; k < (int)ARRAY_SIZE(ascending); k++)
			CHECK(sign(go_version_compare(ascending[i], ascending[k])) == sign(i - k));
	}
}

TEST(go_version_not_valid)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_valid); i++) {
		CHECK(!go_version_is_valid(not_valid[i]) && !go_version_is_release(not_valid[i]));
		CHECK(go_version_compare(not_valid[i], ascending[0]) < 0);
		CHECK(go_version_compare(ascending[0], not_valid[i]) > 0);
		CHECK(go_version_compare(not_valid[i], not_valid[0]) == 0);
	}
}

TEST(go_version_equal)
{
	static const char *const equal[][2] = {
		{ "v1", "v1.0.0" },
		{ "v1.2", "v1.2.0" },
		{ "v1.2.3+meta", "v1.2.3" },
		{ "v1.2.3-pre+meta", "v1.2.3-pre+other.007" },
		{ "v2.0.0+incompatible", "v2.0.0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		CHECK(go_version_is_valid(equal[i][0]) && go_version_compare(equal[i][0], equal[i][1]) == 0);
}

TEST(go_version_release)
{
	CHECK(go_version_is_release("v1.37.2") && go_version_is_release("v28.5.2+incompatible"));
	CHECK(!go_version_is_release("v1.38.0-alpha.1") &&
	      !go_version_is_release("v1.2.4-0.20200101000000-000000000000"));
}
