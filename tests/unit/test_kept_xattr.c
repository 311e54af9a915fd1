/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/kept_xattr.h"
#include "tests/unit/check.h"

TEST(kept_xattr_by_name)
{
	CHECK(kept_xattr("security.capability") && kept_xattr("user.note") && kept_xattr(KEPT_XATTR_ACL) &&
	      kept_xattr(KEPT_XATTR_ACL_DEFAULT));
	CHECK(!kept_xattr("security.selinux") && !kept_xattr("security.ima") && !kept_xattr("trusted.overlay.opaque") &&
	      !kept_xattr("system.posix_acl_") && !kept_xattr("security.capability2") && !kept_xattr(""));
}

/* user::rw- user:1000:r-x group::r-- mask::rwx other::--- */
static const unsigned char acl[] = { 2, 0,    0,    0,    1,    0,    6,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   5,
				     0, 0xe8, 3,    0,    0,    4,    0,  4, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
				     7, 0,    0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff };

TEST(kept_acl_entries)
{
	static const struct kept_acl want[] = { { ACL_TAG_OWNER, 6, UINT32_MAX },
						{ ACL_TAG_USER, 5, 1000 },
						{ ACL_TAG_GROUP, 4, UINT32_MAX },
						{ ACL_TAG_MASK, 7, UINT32_MAX },
						{ ACL_TAG_OTHER, 0, UINT32_MAX } };
	struct kept_acl got;
	size_t n = 0;

	for (; kept_acl_entry(acl, sizeof acl, n, &got); n++)
		CHECK(n < ARRAY_SIZE(want) && got.tag == want[n].tag && got.permissions == want[n].permissions &&
		      got.id == want[n].id);
	CHECK(n == ARRAY_SIZE(want));
}

/* Any bytes. */
TEST(kept_acl_of_another_form)
{
	unsigned char bad[sizeof acl];
	struct kept_acl got;

	for (size_t size = 0; size < 12; size++)
		CHECK(!kept_acl_entry(acl, size, 0, &got));
	CHECK(!kept_acl_entry(acl, sizeof acl, SIZE_MAX, &got) && !kept_acl_entry(acl, sizeof acl, SIZE_MAX / 8, &got));
	memcpy(bad, acl, sizeof acl);
	bad[0] = 3; /* another version */
	CHECK(!kept_acl_entry(bad, sizeof bad, 0, &got));
	memcpy(bad, acl, sizeof acl);
	bad[4] = 3; /* two tags at once */
	CHECK(!kept_acl_entry(bad, sizeof bad, 0, &got) && kept_acl_entry(bad, sizeof bad, 1, &got));
	bad[5] = 1; /* none that is known */
	CHECK(!kept_acl_entry(bad, sizeof bad, 0, &got));
}
