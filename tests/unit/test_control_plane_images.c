/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/control_plane_images.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

/* All images have a name before the layer is made; this one has no iptables. */
TEST(control_plane_images_write_makes_the_layer)
{
	static const char *const images[] = { "kube-apiserver", "kube-controller-manager",
					      "kube-scheduler", "kube-proxy",
					      "etcd",           "pause" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(strings_done) struct strings references = { 0 }, written = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	struct control_plane c = { .lock = &lock,
				   .cache = &w.cache,
				   .architecture = "amd64",
				   .references = &references,
				   .programs = path,
				   .scratch = path };
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		CHECK(control_plane_images_write(&c, -1, &written, &err) == -1);
		CHECK_STR(strstr(err.text, images[i]) ? "" : err.text, "");
		strings_addf(&references, "k8s.gcr.io/%s:v1", images[i]);
	}
	fake_put(path, "/layer/usr/sbin/xtables-nft-multi", "no program");
	CHECK(control_plane_images_write(&c, -1, &written, &err) == -1);
	CHECK_STR(strstr(err.text, "the images' Debian layer") ? "" : err.text, "");
	CHECK(written.n == 0);
	FAKE_ROOT_END();
}
