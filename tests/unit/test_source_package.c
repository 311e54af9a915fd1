/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/source_package.h"
#include "tests/unit/fake_toolchain.h"

static int unpack(struct own_cache *w, const char *root, const struct lock_source *s, struct error *err)
{
	struct toolchain t = fake_toolchain(NULL, NULL, &w->cache);

	return source_package_unpack(s, &t, root, "go/src/x", err);
}

TEST(source_package_unpack_by_dpkg_source)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct lock_source s = { .name = xstrdup("x") };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	vec_push(&s.files.list, fake_cached(&w.cache, path, "x_1.orig.tar.gz", "tar"));
	vec_push(&s.files.list, fake_cached(&w.cache, path, "x_1-1.dsc", "dsc"));
	vec_push(&lock.sources, s);
	CHECK(unpack(&w, path, &lock.sources.at[0], &err) == 0);
	CHECK_STR(fake_steps.data, "x.parts: dpkg-source --no-check --no-copy --extract x_1-1.dsc /build/go/src/x\n");
	CLEANUP(free_p) char *tar = fake_get(path, "/x.parts/x_1.orig.tar.gz");
	CHECK_STR(tar, "tar");
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

TEST(source_package_unpack_refuses)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct lock_source none = { .name = xstrdup("none") }, path_name = { .name = xstrdup("path") };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	vec_push(&none.files.list, fake_cached(&w.cache, path, "none.tar", "tar"));
	vec_push(&path_name.files.list, ((struct lock_file){ .name = xstrdup("../x.dsc"), .sha256 = xstrdup("aa") }));
	vec_push(&lock.sources, none);
	vec_push(&lock.sources, path_name);
	CHECK(unpack(&w, path, &lock.sources.at[0], &err) == -1 && err.class == ERROR_INPUT);
	CHECK_STR(err.text, "the lock has no .dsc file of none; run `nodekiln lock` again");
	CHECK(unpack(&w, path, &lock.sources.at[1], &err) == -1 && err.class == ERROR_INPUT);
	CHECK(!fake_steps.len);
	FAKE_ROOT_END();
}
