/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/kubernetes/control_plane_images.h"
#include "tests/unit/check.h"

TEST(control_plane_images_wants_no_maintainer_tools)
{
	static const char *const kept[] = { "libc6", "etcd-server", "iptables", "libssl3", "kmod", "tarantool" };
	static const char *const left[] = { "perl-base", "libpam0g", "adduser", "dpkg", "tar", "usr-is-merged" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(control_plane_images_wants(kept[i]));
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		CHECK(!control_plane_images_wants(left[i]));
}
