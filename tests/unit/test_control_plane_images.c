/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/control_plane_images.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

TEST(control_plane_images_wants_no_maintainer_tools)
{
	static const char *const kept[] = { "libc6", "etcd-server", "iptables", "libssl3", "kmod", "tarantool" };
	static const char *const left[] = { "perl-base", "libpam0g", "adduser", "dpkg", "tar", "usr-is-merged" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(control_plane_images_wants(kept[i]));
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		CHECK(!control_plane_images_wants(left[i]));
}

/* The layer gets its links and /tmp before its programs are run; iptables, which is not in this one, is named. */
TEST(control_plane_images_write_checks_the_layer)
{
	static const char *const images[] = { "kube-apiserver", "kube-controller-manager",
					      "kube-scheduler", "kube-proxy",
					      "etcd",           "pause" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(strings_done) struct strings references = { 0 }, written = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct stat st;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		strings_addf(&references, "k8s.gcr.io/%s:v1", images[i]);
	fake_put(path, "/layer/usr/sbin/xtables-nft-multi", "no program");
	struct control_plane c = { .lock = &lock,
				   .cache = &w.cache,
				   .architecture = "amd64",
				   .references = &references,
				   .programs = path,
				   .scratch = path };
	CHECK(control_plane_images_write(&c, -1, &written, &err) == -1);
	CHECK_STR(strstr(err.text, "the images' Debian layer") ? "" : err.text, "");
	CLEANUP(free_p)
	char *tmp = xasprintf("%s/layer/tmp", path), *link = xasprintf("%s/layer/usr/sbin/iptables", path);
	char target[64] = "";
	CHECK(stat(tmp, &st) == 0 && (st.st_mode & 07777) == 01777);
	CHECK(readlink(link, target, sizeof target - 1) > 0);
	CHECK_STR(target, "xtables-nft-multi");
	CHECK(written.n == 0);
	FAKE_ROOT_END();
}
