/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/hash.h"
#include "tests/unit/own_cache.h"

/* Files next to the cache are downloaded by file:// URLs. */
static char *publish_url(const struct own_cache *w, const char *name, const char *content, char ret_sha256[SHA256_HEX])
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", w->top, name);
	struct error err = { 0 };

	if (file_write(AT_FDCWD, path, content, strlen(content), 0644, &err) < 0)
		printf("# %s\n", err.text);
	sha256_hex(content, strlen(content), ret_sha256);
	return xasprintf("file://%s", path);
}

static int entries(const struct own_cache *w, const char *kind)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", w->cache.path, kind);
	CLEANUP(closedir_p) DIR *dir = opendir(path);
	int n = 0;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		n += e->d_name[0] != '.';
	return n;
}

static int fetch_one(struct own_cache *w, const char *url, const char *sha256, uint64_t size, struct error *err)
{
	struct cache_want want = { .name = "thing", .url = url, .sha256 = sha256, .size = size };

	return cache_fetch(&w->cache, &want, 1, NULL, NULL, err);
}

static void add_bytes(void *context, uint64_t bytes)
{
	*(uint64_t *)context += bytes;
}

TEST(cache_fetch_downloads_once)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };
	uint64_t bytes = 0;

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "hello\n", sha256);
	struct cache_want twice[] = { { "thing", url, sha256, 6, false }, { "same", url, sha256, 0, false } };
	CHECK(cache_fetch(&w.cache, twice, 2, add_bytes, &bytes, &err) == 0);
	CHECK(bytes == 6 && entries(&w, "files") == 1 && entries(&w, "tmp") == 0);
	CLEANUP(close_p) int fd = cache_file(&w.cache, sha256, &err);
	char content[6];
	CHECK(fd >= 0 && pread_all(fd, content, 6, 0) == 0 && !memcmp(content, "hello\n", 6));
	CHECK(cache_fetch(&w.cache, twice, 2, add_bytes, &bytes, &err) == 0 && bytes == 6);
}

TEST(cache_fetch_refuses_wrong_sha256)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX], other[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "evil\n", sha256);
	sha256_hex("good\n", 5, other);
	CHECK(fetch_one(&w, url, other, 5, &err) == -1);
	CHECK(err.class == ERROR_TRUST && strstr(err.text, "thing") && strstr(err.text, sha256));
	CHECK(entries(&w, "files") == 0 && entries(&w, "tmp") == 0);
}

TEST(cache_fetch_refuses_wrong_size)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "hello\n", sha256);
	CHECK(fetch_one(&w, url, sha256, 5, &err) == -1 && err.class == ERROR_TRUST);
	CHECK(fetch_one(&w, url, sha256, 7, &err) == -1 && err.class == ERROR_TRUST);
	CHECK(entries(&w, "files") == 0);
}

TEST(cache_fetch_refuses_invalid_sha256)
{
	static const char *const bad[] = { "", "../../etc/passwd",
					   "29B23C48C0FE6F878E56C5DDC9F65D1C05D729360F3690A593A8C795031CD867" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = { 0 };
		CHECK(fetch_one(&w, "file:///dev/null", bad[i], 0, &err) == -1 && err.class == ERROR_INPUT);
	}
}

TEST(cache_fetch_replaces_truncated_file)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };
	struct stat st;

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "hello\n", sha256);
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	CLEANUP(free_p) char *stored = xasprintf("%s/files/%s", w.cache.path, sha256);
	CHECK(truncate(stored, 3) == 0);
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	CHECK(stat(stored, &st) == 0 && st.st_size == 6);
}

TEST(cache_fetch_names_missing_url)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	sha256_hex("", 0, sha256);
	CHECK(fetch_one(&w, "file:///nonexistent/thing", sha256, 0, &err) == -1);
	CHECK(err.class == ERROR_NETWORK && strstr(err.text, "file:///nonexistent/thing"));
}

TEST(cache_publish_first_wins)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(free_p) char *one = NULL, *two = NULL;
	CLEANUP(close_p) int first = -1, second = -1;
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(cache_scratch(&w.cache, &one, &first, &err) == 0 && cache_scratch(&w.cache, &two, &second, &err) == 0);
	CHECK(strcmp(one, two) != 0);
	CHECK(file_write(first, "who", "first", 5, 0644, &err) == 0 &&
	      file_write(second, "who", "second", 6, 0644, &err) == 0);
	CHECK(!cache_has(&w.cache, "artifacts", "key"));
	CHECK(cache_publish(&w.cache, one, "artifacts", "key", &err) == 0);
	CHECK(cache_publish(&w.cache, two, "artifacts", "key", &err) == 0);
	CHECK(cache_has(&w.cache, "artifacts", "key") && entries(&w, "tmp") == 0);
	CLEANUP(text_done) struct text who = { 0 };
	CHECK(file_read(w.cache.fd, "artifacts/key/who", 10, &who, &err) == 0);
	CHECK_STR(who.data, "first");
}

/* A killed build leaves its scratch directory without a lock; that of a running build stays. */
TEST(cache_open_removes_leftovers)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error err = { 0 };
	struct cache again = { .fd = -1 };
	int status = 0;

	CHECK(own_cache_open(&w) == 0);
	CHECK(cache_scratch(&w.cache, &name, &fd, &err) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *other = NULL;
		int other_fd = -1;
		_exit(cache_scratch(&w.cache, &other, &other_fd, &err) < 0); /* dies without removing it */
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(entries(&w, "tmp") == 2);
	CHECK(cache_open(&again, &err) == 0);
	CHECK(entries(&w, "tmp") == 1 && faccessat(w.cache.fd, name, F_OK, 0) == 0);
	cache_close(&again);
}

/* Opens the default cache of a user other than root, without NODEKILN_CACHE, and checks where it is. */
static int default_cache(const char *home, const char *xdg, const char *want)
{
	struct cache cache = { .fd = -1 };
	struct error err = { 0 };

	if (geteuid() == 0 && setuid(65534) < 0)
		return 2;
	unsetenv("NODEKILN_CACHE");
	if (home)
		setenv("HOME", home, 1);
	else
		unsetenv("HOME");
	setenv("XDG_CACHE_HOME", xdg, 1);
	if (cache_open(&cache, &err) < 0)
		return want || err.class != ERROR_HOST;
	int rc = !want || strcmp(cache.path, want) != 0;
	cache_close(&cache);
	return rc;
}

static bool default_cache_is(const char *home, const char *xdg, const char *want)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(default_cache(home, xdg, want));
	waitpid(pid, &status, 0);
	return status == 0;
}

TEST(cache_open_default_directory)
{
	char top[] = "/tmp/nodekiln-test.XXXXXX";
	struct error err = { 0 };

	CHECK(mkdtemp(top) && chmod(top, 0777) == 0);
	CLEANUP(free_p) char *xdg = xasprintf("%s/xdg", top);
	CLEANUP(free_p) char *in_xdg = xasprintf("%s/xdg/nodekiln", top);
	CLEANUP(free_p) char *in_home = xasprintf("%s/.cache/nodekiln", top);
	bool by_xdg = default_cache_is(top, xdg, in_xdg);
	bool by_home = default_cache_is(top, "", in_home);
	bool relative_ignored = default_cache_is(top, "relative", in_home);
	bool nowhere = default_cache_is(NULL, "", NULL);
	CHECK(tree_remove(AT_FDCWD, top, &err) == 0);
	CHECK(by_xdg);
	CHECK(by_home);
	CHECK(relative_ignored);
	CHECK(nowhere);
}

TEST(cache_fetch_offline_names_what_is_missing)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "hello\n", sha256);
	w.cache.offline = true;
	CHECK(fetch_one(&w, url, sha256, 6, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(strstr(err.text, url) && strstr(err.text, "--offline"));
	w.cache.offline = false;
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	w.cache.offline = true;
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	CHECK(cache_file(&w.cache, "0", &err) < 0 && strstr(err.text, "files/0"));
}

/* Opens the cache of w again, which must be refused with these words. */
static bool open_refused(const struct own_cache *w, const char *words)
{
	struct cache cache;
	struct error err = { 0 };

	if (cache_open(&cache, &err) == 0) {
		cache_close(&cache);
		return false;
	}
	return err.class == ERROR_TRUST && strstr(err.text, words) && strstr(err.text, w->top);
}

TEST(cache_open_refuses_what_others_may_write)
{
	static const char *const places[] = { ".", "files", "tmp", "artifacts" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CHECK(fchmodat(w.cache.fd, places[i], 0777, 0) == 0 && open_refused(&w, "chmod go-w"));
		CHECK(fchmodat(w.cache.fd, places[i], 0775, 0) == 0 && open_refused(&w, "chmod go-w"));
		CHECK(fchmodat(w.cache.fd, places[i], 0755, 0) == 0);
	}
}

TEST(cache_open_refuses_foreign_directories)
{
	static const char *const places[] = { ".", "trees", "gocache" };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	if (geteuid())
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CHECK(fchownat(w.cache.fd, places[i], 12345, 12345, 0) == 0 && open_refused(&w, "another user"));
		setenv("SUDO_UID", "12345", 1); /* has the rights of root */
		CHECK(!open_refused(&w, "another user"));
		unsetenv("SUDO_UID");
		CHECK(fchownat(w.cache.fd, places[i], 0, 0, 0) == 0);
	}
}

TEST(cache_open_follows_no_link_inside)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct cache cache;
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(unlinkat(w.cache.fd, "tmp", AT_REMOVEDIR) == 0 && symlinkat(w.top, w.cache.fd, "tmp") == 0);
	CHECK(cache_open(&cache, &err) < 0);
}

TEST(cache_scratch_is_private)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error err = { 0 };
	struct stat st;

	CHECK(own_cache_open(&w) == 0 && cache_scratch(&w.cache, &name, &fd, &err) == 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0700);
}

TEST(cache_file_refuses_changed_content)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	char sha256[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = publish_url(&w, "thing", "hello\n", sha256);
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	CLEANUP(free_p) char *name = xasprintf("files/%s", sha256);
	CHECK(file_write(w.cache.fd, name, "jello\n", 6, 0644, &err) == 0);
	CHECK(cache_file(&w.cache, sha256, &err) < 0 && err.class == ERROR_TRUST && strstr(err.text, sha256));
	CHECK(fetch_one(&w, url, sha256, 6, &err) == 0);
	CLEANUP(close_p) int fd = cache_file(&w.cache, sha256, &err);
	CHECK(fd >= 0);
}
