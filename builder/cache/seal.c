/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/cache/cache.h"
#include "builder/cache/digest.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/random.h"
#include "lib/validate.h"

#define DIRECTORY "seals"
#define MARK DIRECTORY "/key" /* says which key the last build had; no seal has this name */
#define KEY_VARIABLE "NODEKILN_CACHE_KEY"
#define HEX_DIGITS "0123456789abcdef"

/* ---- the key ---- */

static char *default_key(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (rootless_caller() == 0)
		return xstrdup("/var/lib/nodekiln-build/cache.key");
	if (state && *state == '/')
		return xasprintf("%s/nodekiln/cache.key", state);
	return home && *home == '/' ? xasprintf("%s/.local/state/nodekiln/cache.key", home) : NULL;
}

static int read_key(int fd, const char *path, char ret[SEAL_KEY_HEX + 1], struct error *err)
{
	if (file_check_own(fd, path, S_IRWXG | S_IRWXO, err) < 0)
		return -1;
	if (pread_all(fd, ret, SEAL_KEY_HEX, 0) < 0)
		return error_errno(err, errno, "read the cache's key, %s", path);
	ret[SEAL_KEY_HEX] = '\0';
	if (!hex_is_valid(ret, SEAL_KEY_HEX))
		return error_set(err, ERROR_INPUT,
				 "%s is not a key of the cache: 64 hex digits, as `openssl rand -hex 32` prints them",
				 path);
	return 0;
}

/* A link, so that of two processes that make it at once, both read the one that was first. */
static int make_key(const char *path, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.XXXXXX", path), *directory = xstrdup(path);
	char line[SEAL_KEY_HEX + 2];

	*strrchr(directory, '/') = '\0';
	if (dir_make(AT_FDCWD, *directory ? directory : "/", 0700, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "make %s", path);
	random_word(HEX_DIGITS, SEAL_KEY_HEX, line);
	memcpy(line + SEAL_KEY_HEX, "\n", 2);
	int rc = write_all(fd, line, SEAL_KEY_HEX + 1) < 0 || fsync(fd) < 0 ? -1 : link(name, path), why = errno;
	explicit_bzero(line, sizeof line);
	unlink(name);
	return rc == 0 || why == EEXIST ? 0 : error_errno(err, why, "make %s", path);
}

static int open_key(const char *path, char ret[SEAL_KEY_HEX + 1], struct error *err)
{
	for (;;) {
		CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			return read_key(fd, path, ret, err);
		if (errno != ENOENT)
			return error_errno(err, errno, "open the cache's key, %s", path);
		if (make_key(path, err) < 0)
			return -1;
	}
}

/* True when the environment has, or had, the key itself. */
static bool given_key(char ret[SEAL_KEY_HEX + 1])
{
	static char given[SEAL_KEY_HEX + 1];
	char *value = getenv(KEY_VARIABLE);

	if (value && hex_is_valid(value, SEAL_KEY_HEX)) {
		memcpy(given, value, sizeof given);
		explicit_bzero(value, SEAL_KEY_HEX);
		unsetenv(KEY_VARIABLE);
	} else if (value) {
		return false;
	}
	memcpy(ret, given, sizeof given);
	return *given != '\0';
}

int seal_key(char ret[SEAL_KEY_HEX + 1], struct error *err)
{
	if (given_key(ret))
		return 0;
	const char *chosen = getenv(KEY_VARIABLE);
	CLEANUP(free_p) char *path = chosen && *chosen ? xstrdup(chosen) : default_key();
	struct error why = { 0 };

	if (path && chosen && *chosen)
		return open_key(path, ret, err);
	if (path && open_key(path, ret, &why) == 0)
		return 0;
	if (why.class == ERROR_TRUST || why.class == ERROR_INPUT) {
		*err = why;
		return -1;
	}
	log_debug("no key of the cache is kept (%s): trees of other builds are not used", path ? why.text : "no HOME");
	random_word(HEX_DIGITS, SEAL_KEY_HEX, ret);
	return 0;
}

/* ---- seals ---- */

static int add_content(struct hash *h, const char *path, struct error *err)
{
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char digest[SHA256_HEX];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open it");
	if (!S_ISREG(st.st_mode))
		return digest_directory(h, path, err);
	if (sha256_fd(fd, digest, err) < 0)
		return -1;
	hash_field(h, "file", digest);
	return 0;
}

/* What is sealed of an entry. Go's build cache has gigabytes, of which a compilation reads few. */
static const struct {
	const char *kind;
	int (*add)(struct hash *h, const char *path, struct error *err);
} kinds[] = {
	{ "trees", add_content },
	{ "artifacts", add_content },
	{ "repacked", add_content },
	{ "gocache", digest_state },
};

/* Of "KIND" or "KIND/KEY"; ARRAY_SIZE(kinds): none. */
static size_t find_kind(const char *name)
{
	size_t len = strcspn(name, "/"), i = 0;

	while (i < ARRAY_SIZE(kinds) && (strlen(kinds[i].kind) != len || memcmp(kinds[i].kind, name, len) != 0))
		i++;
	return i;
}

bool seal_needed(const char *kind)
{
	return find_kind(kind) < ARRAY_SIZE(kinds);
}

char *seal_name(const char *name)
{
	const char *slash = strchr(name, '/');

	return xasprintf(DIRECTORY "/%.*s.%s", (int)(slash - name), name, slash + 1);
}

/* content: what has the name; elsewhere while it is in the scratch. */
static int make_seal(const struct cache *cache, const char *content, const char *name, char ret[SHA256_HEX],
		     struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", cache->path, content);
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char digest[SHA256_HEX];

	if (kinds[find_kind(name)].add(h, path, err) < 0)
		return error_wrap(err, "%s", path);
	hash_hex(h, digest);
	CLEANUP(free_p) char *message = xasprintf("nodekiln cache\n%s\n%s\n", digest, name);
	hmac_sha256_hex(cache->key, SEAL_KEY_HEX, message, strlen(message), ret);
	return 0;
}

bool seal_check(const struct cache *cache, const char *name)
{
	CLEANUP(free_p) char *file = seal_name(name);
	CLEANUP(close_p) int fd = openat(cache->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char wanted[SHA256_HEX] = "", made[SHA256_HEX];
	struct error why = { 0 };

	if (fd < 0 || pread_all(fd, wanted, SHA256_HEX - 1, 0) < 0)
		return false;
	if (make_seal(cache, name, name, made, &why) == 0 && !strcmp(made, wanted))
		return true;
	log_debug("%s/%s is not used: %s", cache->path, name, *why.text ? why.text : "it was not made by this builder");
	return false;
}

int seal_write(const struct cache *cache, const char *scratch_name, const char *name, struct error *err)
{
	CLEANUP(free_p) char *file = seal_name(name);
	char seal[SHA256_HEX];

	if (make_seal(cache, scratch_name, name, seal, err) < 0)
		return -1;
	return file_write(cache->fd, file, seal, SHA256_HEX - 1, 0644, err);
}

/* ---- whose seals they are ---- */

static bool has_entries(const struct cache *cache)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !found; i++)
		found = !dir_is_empty(cache->fd, kinds[i].kind);
	return found;
}

static void make_mark(const struct cache *cache, char ret[SHA256_HEX])
{
	static const char message[] = "nodekiln cache key\n";

	hmac_sha256_hex(cache->key, SEAL_KEY_HEX, message, sizeof message - 1, ret);
}

void seal_mark(const struct cache *cache)
{
	struct error ignored = { 0 };
	char mark[SHA256_HEX];

	make_mark(cache, mark);
	if (file_write(cache->fd, MARK, mark, SHA256_HEX - 1, 0644, &ignored) < 0)
		log_debug("%s", ignored.text);
}

char *seal_notice(const struct cache *cache)
{
	CLEANUP(close_p) int fd = openat(cache->fd, MARK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char wanted[SHA256_HEX], found[SHA256_HEX] = "";

	make_mark(cache, wanted);
	bool marked = fd >= 0 && pread_all(fd, found, SHA256_HEX - 1, 0) == 0;
	if (marked && !strcmp(found, wanted))
		return NULL;
	seal_mark(cache);
	if (!has_entries(cache))
		return NULL;
	return xasprintf(
		"the trees and programs in the cache %s were made %s, so that anybody could have changed them: "
		"they are made again when they are needed (`nodekiln help cache` has another way)",
		cache->path, marked ? "with another key" : "by an older version, without a seal");
}
