/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/lock_make.h"
#include "tests/unit/fake_apt.h"
#include "tests/unit/own_cache.h"

static const struct resolve_options options = { .mirror.archive = "http://m.example/debian" };

#define RECIPE                                                                                                         \
	"distribution: {suite: bookworm, updates: false, security: false, variant: essential, keyring: keyring.gpg}\n" \
	"runtime: containerd\npackages: {base: [containerd]}\nimages: {control_plane: true}\n"                         \
	"components: {kubernetes: {version: %s, source: debian-source}}\n"
#define COMPONENT                                                                                                      \
	"description: d\nlicense: Apache-2.0\ndebian-source: {packages: [golang-go]%s}\nprograms:\n"                   \
	"- {name: kubelet, path: /usr/bin/kubelet}\n- {name: kubeadm, path: /usr/bin/kubeadm}\n"                       \
	"- {name: kubectl, path: /usr/bin/kubectl}\n"

static int make(const char *root, struct cache *cache, const char *version, const char *more, struct lock *ret,
		struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/r.yaml", root), *text = xasprintf(RECIPE, version);
	CLEANUP(free_p) char *component = xasprintf(COMPONENT, more);
	CLEANUP(recipe_done) struct recipe recipe = { 0 };

	fake_put(root, "/r.yaml", text);
	fake_put(root, "/components/kubernetes.yaml", component);
	if (recipe_load(file, &recipe, err) < 0)
		return -1;
	return lock_make(&recipe, &options, cache, NULL, NULL, ret, err);
}

/* The version is that of the source package, and what it needs is in the lock; a minor means whatever the package has of it. */
TEST(lock_make_debian_source)
{
	static const char *const versions[] = { "1.20", "1.20.2" };

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		CLEANUP(lock_done) struct lock lock = { 0 };

		FAKE_ROOT();
		CHECK(own_cache_open(&w) == 0);
		fake_apt(path);
		CHECK_STR(make(path, &w.cache, versions[i], "", &lock, &err) < 0 ? err.text : "", "");
		CHECK(lock.components.n == 1 && lock.components.at[0].source == COMPONENT_DEBIAN_SOURCE);
		CHECK_STR(lock.components.at[0].version, "1.20.2");
		CHECK_STR(lock.kubernetes_version, "1.20.2");
		CHECK_STR(lock_source(&lock, "kubernetes")->version, "1.20.5+really1.20.2-1");
		CHECK(lock_find(&lock, LOCK_TOOLCHAIN, "golang-go") && lock_find(&lock, LOCK_IMAGE, "etcd-server"));
		FAKE_ROOT_END();
	}
}

TEST(lock_make_debian_source_of_another_version)
{
	static const char *const versions[] = { "1.2", "1.20.5", "1.33" };

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		CLEANUP(free_p)
		char *want = xasprintf("the recipe requires kubernetes %s, but its source package in the "
				       "distribution's repositories is "
				       "1.20.5+really1.20.2-1; request 1.20.2, or choose another suite or source",
				       versions[i]);
		struct lock lock = { 0 };

		FAKE_ROOT();
		CHECK(own_cache_open(&w) == 0);
		fake_apt(path);
		CHECK(make(path, &w.cache, versions[i], "", &lock, &err) == -1 && err.class == ERROR_INPUT);
		CHECK_STR(err.text, want);
		FAKE_ROOT_END();
	}
}

TEST(lock_make_debian_source_pinned)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK_STR(make(path, &w.cache, "1.20", ", version: 1.20.5+really1.20.2-1", &lock, &err) < 0 ? err.text : "",
		  "");
	CHECK(fake_apt_calls(path, " kubernetes=1.20.5+really1.20.2-1\n") == 1);
	FAKE_ROOT_END();
}
