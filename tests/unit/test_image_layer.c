/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/image_layer.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

TEST(image_layer_wants_no_maintainer_tools)
{
	static const char *const kept[] = { "libc6", "etcd-server", "iptables", "libssl3", "kmod", "tarantool" };
	static const char *const left[] = { "perl-base", "libpam0g", "adduser", "dpkg", "tar", "usr-is-merged" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(image_layer_wants(kept[i]));
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		CHECK(!image_layer_wants(left[i]));
}

/* The layer gets its links and /tmp before its programs are run; iptables, which is not in this one, is named. */
TEST(image_layer_make_runs_the_programs)
{
	static const char *const packages[] = { "libc6", "iptables" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct stat st;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *tree = xasprintf("%s/layer", path);
	fake_put(path, "/layer/usr/sbin/xtables-nft-multi", "no program");
	CLEANUP(free_p) char *plain = xasprintf("%s/plain", path);
	CHECK(image_layer_make(&lock, &w.cache, packages, 1, plain, &err) == 0);
	CHECK(!fake_has(plain, "/usr/sbin/iptables"));
	CHECK(image_layer_make(&lock, &w.cache, packages, 2, tree, &err) == -1);
	CHECK_STR(strstr(err.text, "the images' Debian layer") ? "" : err.text, "");
	CLEANUP(free_p)
	char *tmp = xasprintf("%s/tmp", tree), *link = xasprintf("%s/usr/sbin/iptables", tree);
	char target[64] = "";
	CHECK(stat(tmp, &st) == 0 && (st.st_mode & 07777) == 01777);
	CHECK(readlink(link, target, sizeof target - 1) > 0);
	CHECK_STR(target, "xtables-nft-multi");
	FAKE_ROOT_END();
}
