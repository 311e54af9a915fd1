/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_tags.h"

#include "tests/unit/check.h"

TEST(pve_tags_compare_as_pve_does)
{
	CHECK(pve_tags_has("b;A , c", "a;c"));
	CHECK(!pve_tags_has("ab;c", "a"));
	CHECK(!pve_tags_has(NULL, "a"));
	CHECK(pve_tags_has(NULL, ""));
}
