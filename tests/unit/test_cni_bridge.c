/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cni_bridge.h"

#include "tests/unit/fake_root.h"

TEST(cni_bridge_conflist_is_golden)
{
	static const char *const golden[][2] = { { "10.244.1.0/24", "tests/golden/cni_bridge/ipv4.conflist" },
						 { "fd00:10:244:1::/64", "tests/golden/cni_bridge/ipv6.conflist" } };

	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		CLEANUP(text_done) struct text is = { 0 }, want = { 0 };
		struct error err = { 0 };
		cni_bridge_conflist(golden[i][0], &is);
		CHECK(file_read(AT_FDCWD, golden[i][1], FAKE_FILE_MAX, &want, &err) == 0);
		CHECK_STR(is.data, want.data);
	}
}

TEST(cni_bridge_is_written_once)
{
	struct stat first, second;
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s" CNI_BRIDGE_CONFLIST, path);

	CHECK(cni_bridge_write(path, "10.244.1.0/24", &err) == 0);
	CHECK(stat(file, &first) == 0 && (first.st_mode & 0777) == 0644);
	CHECK(cni_bridge_write(path, "10.244.1.0/24", &err) == 0);
	CHECK(stat(file, &second) == 0 && first.st_ino == second.st_ino);
	CHECK(cni_bridge_write(path, "10.244.2.0/24", &err) == 0);
	CLEANUP(free_p) char *text = fake_get(path, CNI_BRIDGE_CONFLIST);
	CHECK(strstr(text, "10.244.2.0/24"));
	CHECK(cni_bridge_remove(path, &err) == 0 && !fake_has(path, CNI_BRIDGE_CONFLIST));
	CHECK(cni_bridge_remove(path, &err) == 0);
	FAKE_ROOT_END();
}

TEST(cni_bridge_yields_to_another)
{
	FAKE_ROOT();
	CHECK(cni_bridge_write(path, "10.244.1.0/24", &err) == 0);
	fake_put(path, CNI_BRIDGE_DIRECTORY "/.kubernetes-cni-keep", "");
	fake_put(path, CNI_BRIDGE_DIRECTORY "/README", "");
	CHECK(cni_bridge_write(path, "10.244.1.0/24", &err) == 0 && fake_has(path, CNI_BRIDGE_CONFLIST));
	fake_put(path, CNI_BRIDGE_DIRECTORY "/05-cilium.conflist", "{}");
	CHECK(cni_bridge_write(path, "10.244.1.0/24", &err) == 0);
	CHECK(!fake_has(path, CNI_BRIDGE_CONFLIST) && fake_has(path, CNI_BRIDGE_DIRECTORY "/05-cilium.conflist"));
	FAKE_ROOT_END();
}

TEST(cni_bridge_refuses_a_bad_network)
{
	FAKE_ROOT();
	CHECK(cni_bridge_write(path, "10.244.1.0/24\", \"x\": \"", &err) < 0);
	CHECK(strstr(err.text, "is not a network") && !fake_has(path, CNI_BRIDGE_CONFLIST));
	FAKE_ROOT_END();
}
