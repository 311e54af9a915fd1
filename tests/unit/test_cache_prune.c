/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/own_cache.h"

#include <unistd.h>

#include "builder/cache/cache_prune.h"

/* Three things of 1000 bytes, used one after another long ago; the oldest one is a directory. */
static int stocked(struct own_cache *w)
{
	static const char *const names[] = { "artifacts/one/part", "files/two", "trees/three" };
	static const char *const used[] = { "artifacts/one", "files/two", "trees/three" };
	char content[1000] = { 0 };
	struct error err = { 0 };

	if (own_cache_open(w) < 0 || dir_make(w->cache.fd, "artifacts/one", 0755, &err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct timespec time[2] = { { .tv_sec = (time_t)(1000 + i) }, { .tv_sec = (time_t)(1000 + i) } };
		if (file_write(w->cache.fd, names[i], content, sizeof content, 0644, &err) < 0 ||
		    utimensat(w->cache.fd, used[i], time, 0) < 0)
			return -1;
	}
	return 0;
}

static bool there(const struct own_cache *w, const char *name)
{
	return faccessat(w->cache.fd, name, F_OK, 0) == 0;
}

TEST(cache_usage_counts)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(cache_usage_done) struct cache_usage usage = { 0 };
	struct error err = { 0 };
	size_t count;

	CHECK(stocked(&w) == 0 && cache_usage_read(&w.cache, &usage, &err) == 0);
	CHECK(cache_usage_bytes(&usage, NULL, &count) == 3000 && count == 3);
	CHECK(cache_usage_bytes(&usage, "artifacts", &count) == 1000 && count == 1);
	CHECK(cache_usage_bytes(&usage, "apt", &count) == 0 && count == 0);
}

TEST(cache_usage_select_marks_no_more_than_needed)
{
	static const struct {
		uint64_t limit, removed;
	} cases[] = { { 4000, 0 }, { 3000, 0 }, { 2999, 1000 }, { 1500, 2000 }, { 0, 3000 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		struct error err = { 0 };
		uint64_t removed;

		CHECK(stocked(&w) == 0);
		CHECK(cache_prune(&w.cache, cases[i].limit, &removed, &err) == 1);
		CHECK(removed == cases[i].removed);
		CHECK(there(&w, "artifacts/one") == (removed < 1000));
		CHECK(there(&w, "files/two") == (removed < 2000) && there(&w, "trees/three") == (removed < 3000));
	}
}

TEST(cache_prune_keeps_most_recently_used)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };
	uint64_t removed;

	CHECK(stocked(&w) == 0);
	cache_touch(&w.cache, "artifacts/one");
	CHECK(cache_prune(&w.cache, 2000, &removed, &err) == 1 && removed == 1000);
	CHECK(there(&w, "artifacts/one") && !there(&w, "files/two"));
}

/* Another build has found what it needs and is about to use it. */
TEST(cache_prune_refused_while_in_use)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(cache_close) struct cache other = { .fd = -1 };
	struct error err = { 0 };
	uint64_t removed = 0;

	CHECK(stocked(&w) == 0 && cache_open(&other, &err) == 0);
	CHECK(cache_prune(&w.cache, 0, &removed, &err) == 0 && removed == 0 && there(&w, "files/two"));
	CHECK(cache_prune(&other, 0, &removed, &err) == 0); /* our lock was not lost by trying */
	cache_close(&other);
	CHECK(cache_prune(&w.cache, 0, &removed, &err) == 1 && removed == 3000);
}

TEST(cache_limit_from_environment)
{
	struct error err = { 0 };
	uint64_t limit;

	setenv("NODEKILN_CACHE_MAX", "2G", 1);
	CHECK(cache_limit(&limit, &err) == 0 && limit == 2ull << 30);
	setenv("NODEKILN_CACHE_MAX", "much", 1);
	CHECK(cache_limit(&limit, &err) == -1 && err.class == ERROR_USAGE);
	unsetenv("NODEKILN_CACHE_MAX");
	CHECK(cache_limit(&limit, &err) == 0 && limit == CACHE_LIMIT);
}
