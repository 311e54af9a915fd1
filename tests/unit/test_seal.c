/* SPDX-License-Identifier: Apache-2.0 */
/* What was not sealed with the builder's key counts as missing, and is replaced. */
#include "builder/cache/seal.h"

#include <sys/stat.h>
#include <unistd.h>

#include "builder/cache/cache_prune.h"
#include "tests/unit/own_cache.h"

/* Publishes a directory with one file. */
static int publish(struct own_cache *w, const char *kind, const char *key, const char *content)
{
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error err = { 0 };

	if (cache_scratch(&w->cache, &name, &fd, &err) < 0 || dir_make(fd, "bin", 0755, &err) < 0 ||
	    file_write(fd, "bin/program", content, strlen(content), 0755, &err) < 0 ||
	    symlinkat("bin/program", fd, "link") < 0)
		return -1;
	return cache_publish(&w->cache, name, kind, key, &err);
}

/* As the next build sees it. */
static bool usable(const struct own_cache *w, const char *kind, const char *key)
{
	struct cache cache;
	struct error err = { 0 };

	if (cache_open(&cache, &err) < 0) {
		printf("# %s, %s\n", w->top, err.text);
		return false;
	}
	bool has = cache_has(&cache, kind, key);
	cache_close(&cache);
	return has;
}

TEST(seal_survives_the_process)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0 && publish(&w, "artifacts", "key", "good") == 0);
	CHECK(usable(&w, "artifacts", "key"));
}

TEST(seal_breaks_with_the_content)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && publish(&w, "artifacts", "key", "good") == 0);
	CHECK(file_write(w.cache.fd, "artifacts/key/bin/program", "evil", 4, 0755, &err) == 0);
	CHECK(!usable(&w, "artifacts", "key"));
	CHECK(publish(&w, "artifacts", "key", "good") == 0 && usable(&w, "artifacts", "key"));
	CHECK(fchmodat(w.cache.fd, "artifacts/key/bin/program", 04755, 0) == 0 && !usable(&w, "artifacts", "key"));
	CHECK(publish(&w, "artifacts", "key", "good") == 0);
	CHECK(file_write(w.cache.fd, "artifacts/key/bin/more", "", 0, 0755, &err) == 0);
	CHECK(!usable(&w, "artifacts", "key"));
	CHECK(publish(&w, "artifacts", "key", "good") == 0);
	CHECK(unlinkat(w.cache.fd, "artifacts/key/link", 0) == 0 &&
	      symlinkat("/etc", w.cache.fd, "artifacts/key/link") == 0);
	CHECK(!usable(&w, "artifacts", "key"));
	CHECK(publish(&w, "artifacts", "key", "good") == 0 && usable(&w, "artifacts", "key"));
}

TEST(seal_is_of_one_name)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0 && publish(&w, "artifacts", "old", "old") == 0);
	CHECK(renameat(w.cache.fd, "artifacts/old", w.cache.fd, "artifacts/new") == 0);
	CHECK(renameat(w.cache.fd, "seals/artifacts.old", w.cache.fd, "seals/artifacts.new") == 0);
	CHECK(!usable(&w, "artifacts", "new"));
}

TEST(seal_of_another_builder_is_none)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0 && publish(&w, "trees", "key", "good") == 0 && usable(&w, "trees", "key"));
	CLEANUP(free_p) char *own = xstrdup(getenv("NODEKILN_CACHE_KEY"));
	CLEANUP(free_p) char *other = xasprintf("%s.other", own);
	setenv("NODEKILN_CACHE_KEY", other, 1);
	CHECK(!usable(&w, "trees", "key"));
	setenv("NODEKILN_CACHE_KEY", own, 1);
	CHECK(usable(&w, "trees", "key"));
}

TEST(seal_all_makes_good_what_is_there)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };
	size_t count;

	CHECK(own_cache_open(&w) == 0 && publish(&w, "artifacts", "key", "good") == 0);
	CHECK(file_write(w.cache.fd, "artifacts/key/bin/program", "other", 5, 0755, &err) == 0);
	CHECK(file_write(w.cache.fd, "files/some", "", 0, 0644, &err) == 0 && !usable(&w, "artifacts", "key"));
	CHECK(cache_seal_all(&w.cache, &count, &err) == 0 && count == 1 && usable(&w, "artifacts", "key"));
}

TEST(seal_is_not_needed_where_the_name_is_the_digest)
{
	CHECK(!seal_needed("files") && !seal_needed("modules") && !seal_needed("tree") && !seal_needed("trees2"));
	CHECK(seal_needed("trees") && seal_needed("artifacts") && seal_needed("repacked") && seal_needed("gocache"));
}

TEST(seal_key_of_the_environment_is_taken_out_of_it)
{
	static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char key[SEAL_KEY_HEX + 1] = "", again[SEAL_KEY_HEX + 1] = "";
	struct error err = { 0 };

	setenv("NODEKILN_CACHE_KEY", hex, 1);
	CHECK(seal_key(key, &err) == 0 && !getenv("NODEKILN_CACHE_KEY"));
	CHECK_STR(key, hex);
	CHECK(seal_key(again, &err) == 0);
	CHECK_STR(again, hex);
}

TEST(seal_key_is_made_once_and_private)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char again[SEAL_KEY_HEX + 1];
	struct error err = { 0 };
	struct stat st;

	CHECK(own_cache_open(&w) == 0);
	const char *path = getenv("NODEKILN_CACHE_KEY");
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(seal_key(again, &err) == 0);
	CHECK_STR(again, w.cache.key);
	CHECK(chmod(path, 0644) == 0 && seal_key(again, &err) < 0 && err.class == ERROR_TRUST &&
	      strstr(err.text, "chmod go="));
	CHECK(chmod(path, 0600) == 0 && truncate(path, 10) == 0 && seal_key(again, &err) < 0);
	CHECK(unlink(path) == 0 && symlink("/etc/hostname", path) == 0 && seal_key(again, &err) < 0);
}

/* What the next build says; the caller owns it. */
static char *notice(void)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	struct error err = { 0 };

	return cache_open(&cache, &err) < 0 ? xstrdup(err.text) : seal_notice(&cache);
}

TEST(seal_notice_of_an_older_version_is_said_once)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && dir_make(w.cache.fd, "artifacts/key", 0755, &err) == 0);
	CLEANUP(free_p) char *first = notice(), *second = notice();
	CHECK(first && strstr(first, w.top) && strstr(first, "older version"));
	CHECK(!second && !usable(&w, "artifacts", "key"));
}

TEST(seal_notice_of_another_key_is_said_once)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *empty = notice();
	CHECK(!empty && publish(&w, "artifacts", "key", "good") == 0);
	CLEANUP(free_p) char *own = notice(), *other = xasprintf("%s/other.key", w.top);
	setenv("NODEKILN_CACHE_KEY", other, 1);
	CLEANUP(free_p) char *first = notice(), *second = notice();
	CHECK(!own && first && strstr(first, "another key") && !second);
}

TEST(seal_all_leaves_nothing_to_say)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };
	size_t count;

	CHECK(own_cache_open(&w) == 0 && dir_make(w.cache.fd, "artifacts/key", 0755, &err) == 0);
	CHECK(cache_seal_all(&w.cache, &count, &err) == 0 && count == 1);
	CLEANUP(free_p) char *none = notice();
	CHECK(!none && usable(&w, "artifacts", "key"));
}
