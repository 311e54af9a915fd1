/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_fetch.h"
#include "tests/unit/fake_toolchain.h"

static void add(struct lock *lock, enum lock_group group, const struct lock_file *f, uint64_t size)
{
	vec_push(&lock->group[group], (struct lock_package){ .name = xstrdup(f->name),
							     .url = xstrdup(f->url),
							     .sha256 = xstrdup(f->sha256),
							     .size = size });
}

/* Removes it from the cache, so that it must be fetched. */
static void forget(const struct own_cache *w, const char *sha256)
{
	CLEANUP(free_p) char *file = xasprintf("%s/files/%s", w->cache.path, sha256);

	unlink(file);
}

TEST(lock_wants_packages_of_groups)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(lock_wants_done) struct lock_wants wants = { 0 };
	struct lock_file f = { "a", "file:///a", "aa", 0 };

	add(&lock, LOCK_BASE, &f, 3);
	add(&lock, LOCK_BASE, &f, 4);
	add(&lock, LOCK_VM, &f, 50);
	lock_wants_packages(&lock, LOCK_BASE, &wants);
	CHECK(wants.list.n == 2 && wants.bytes == 7 && wants.list.at[1].size == 4);
	CHECK_STR(wants.list.at[0].url, "file:///a");
}

TEST(lock_fetch_packages_and_files)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	vec_push(&lock.binaries.list, fake_cached(&w.cache, path, "x", "text"));
	const struct lock_file *f = &lock.binaries.list.at[0];
	add(&lock, LOCK_IMAGE, f, 4);
	add(&lock, LOCK_VM, f, 5);
	forget(&w, f->sha256);
	CHECK(lock_fetch_packages(&lock, LOCK_BASE, &w.cache, &err) == 0 && cache_file(&w.cache, f->sha256, &err) < 0);
	CHECK(lock_fetch_packages(&lock, LOCK_IMAGE, &w.cache, &err) == 0 && cache_has(&w.cache, "files", f->sha256));
	forget(&w, f->sha256);
	CHECK(lock_fetch_files(&lock.binaries, &w.cache, &err) == 0 && cache_has(&w.cache, "files", f->sha256));
	forget(&w, f->sha256);
	CHECK(lock_fetch_packages(&lock, LOCK_VM, &w.cache, &err) == -1 && err.class == ERROR_TRUST);
	FAKE_ROOT_END();
}
