/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder/cache/seal.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/http.h"
#include "lib/log.h"

#define SCRATCH_TRIES 100
#define REMOVE_TRIES 50
#define REMOVE_PAUSE 20000000 /* nanoseconds */

static const char *const kinds[] = { "files",   "repacked",  "apt",     "trees", "artifacts",
				     "modules", "solutions", "gocache", "seals", "tmp" };

static char *default_path(void)
{
	const char *chosen = getenv("NODEKILN_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (chosen && *chosen)
		return xstrdup(chosen);
	if (rootless_caller() == 0)
		return xstrdup("/var/cache/nodekiln");
	if (xdg && *xdg == '/')
		return xasprintf("%s/nodekiln", xdg);
	return home ? xasprintf("%s/.cache/nodekiln", home) : NULL;
}

/* Removes one entry of tmp/ unless another process holds its lock. The children of a build that has just been
 * killed may still write there: they get a second to end. If the entry still cannot be removed, the next
 * cache_open() tries again. */
static void remove_leftover(struct cache *cache, const char *entry)
{
	CLEANUP(free_p) char *name = xasprintf("tmp/%s", entry);
	CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct error err = { 0 };

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	for (int i = 0; i < REMOVE_TRIES && tree_remove(cache->fd, name, &err) < 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = REMOVE_PAUSE }, NULL);
	if (faccessat(cache->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		log_debug("remove leftovers from the cache: %s", err.text);
}

static int remove_leftovers(struct cache *cache, struct error *err)
{
	int fd = dir_open(cache->fd, "tmp", err);
	CLEANUP(closedir_p) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir)
		return fd < 0 ? -1 : error_errno(err, errno, "list tmp");
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			remove_leftover(cache, entry->d_name);
	return 0;
}

static int check_kind(struct cache *cache, const char *kind, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", cache->path, kind);
	CLEANUP(close_p) int fd = openat(cache->fd, kind, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open directory %s", path);
	return file_check_own(fd, path, S_IWGRP | S_IWOTH, err);
}

static int prepare(struct cache *cache, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (dir_make(cache->fd, kinds[i], 0755, err) < 0 || check_kind(cache, kinds[i], err) < 0)
			return -1;
	return remove_leftovers(cache, err);
}

/* Waits while another program removes from the cache, which takes seconds. */
static int enter(struct cache *cache, const char *path, struct error *err)
{
	cache->fd = dir_open(AT_FDCWD, path, err);
	if (cache->fd < 0)
		return -1;
	cache->path = realpath(path, NULL);
	if (!cache->path)
		return error_errno(err, errno, "find its absolute path");
	if (file_check_own(cache->fd, cache->path, S_IWGRP | S_IWOTH, err) < 0)
		return -1;
	if (flock(cache->fd, LOCK_SH) < 0)
		return error_errno(err, errno, "lock it");
	return prepare(cache, err);
}

int cache_open(struct cache *ret, struct error *err)
{
	CLEANUP(free_p) char *path = default_path();
	struct cache cache = { .fd = -1 };

	if (!path)
		return error_set(err, ERROR_HOST, "no directory for the cache: set HOME or NODEKILN_CACHE");
	if (dir_make(AT_FDCWD, path, 0755, err) < 0 || enter(&cache, path, err) < 0) {
		cache_close(&cache);
		return error_wrap(err, "cache %s", path);
	}
	if (seal_key(cache.key, err) < 0) {
		cache_close(&cache);
		return -1;
	}
	*ret = cache;
	return 0;
}

void cache_close(struct cache *cache)
{
	if (!cache->path && cache->fd == 0)
		return;
	free(cache->path);
	close_p(&cache->fd);
	strings_done(&cache->verified);
	explicit_bzero(cache->key, sizeof cache->key);
	*cache = (struct cache){ .fd = -1 };
}

/* 1 with *ret_fd when the new directory is made and locked; 0 when the name is taken, or when another build
 * removed the directory between mkdir and flock. */
static int scratch_try(struct cache *cache, const char *name, int *ret_fd, struct error *err)
{
	if (mkdirat(cache->fd, name, 0700) < 0)
		return errno == EEXIST ? 0 : error_errno(err, errno, "make %s/%s", cache->path, name);
	CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !file_still_there(cache->fd, name, fd))
		return 0;
	*ret_fd = TAKE_FD(fd);
	return 1;
}

int cache_scratch(struct cache *cache, char **ret_name, int *ret_fd, struct error *err)
{
	for (unsigned i = 0; i < SCRATCH_TRIES; i++) {
		CLEANUP(free_p) char *name = xasprintf("tmp/%d.%u", (int)getpid(), i);
		int rc = scratch_try(cache, name, ret_fd, err);
		if (rc < 0)
			return -1;
		if (rc > 0) {
			*ret_name = TAKE(name);
			return 0;
		}
	}
	return error_set(err, ERROR_FAILED, "%s/tmp: cannot make a private directory", cache->path);
}

int cache_publish(struct cache *cache, const char *scratch_name, const char *kind, const char *key, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s/%s", kind, key);

	if (seal_needed(kind) && seal_check(cache, name))
		return tree_remove(cache->fd, scratch_name, err);
	if (seal_needed(kind) && seal_write(cache, scratch_name, name, err) < 0)
		return -1;
	if (renameat2(cache->fd, scratch_name, cache->fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* What is there has no good seal: no build uses it. */
	if (errno != EEXIST ||
	    (seal_needed(kind) && renameat2(cache->fd, scratch_name, cache->fd, name, RENAME_EXCHANGE) < 0))
		return error_errno(err, errno, "move %s to %s in %s", scratch_name, name, cache->path);
	return tree_remove(cache->fd, scratch_name, err);
}

bool cache_has(struct cache *cache, const char *kind, const char *key)
{
	CLEANUP(free_p) char *name = xasprintf("%s/%s", kind, key);

	if (faccessat(cache->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (seal_needed(kind) && !strings_has(&cache->verified, name)) {
		if (!seal_check(cache, name))
			return false;
		strings_add(&cache->verified, name);
	}
	cache_touch(cache, name);
	return true;
}

/* Failure is ignored: in another user's cache the times of an entry may not be set, but it can be used. */
void cache_touch(struct cache *cache, const char *name)
{
	if (utimensat(cache->fd, name, NULL, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		log_debug("cannot touch %s/%s: %m", cache->path, name);
}

int cache_file(struct cache *cache, const char *sha256, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("files/%s", sha256);
	CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char hex[SHA256_HEX];

	if (fd < 0)
		return error_errno(err, errno, "open %s/%s", cache->path, name);
	if (sha256_fd(fd, hex, err) < 0)
		return error_wrap(err, "%s/%s", cache->path, name);
	if (!strcmp(hex, sha256))
		return TAKE_FD(fd);
	unlinkat(cache->fd, name, 0);
	return error_set(err, ERROR_TRUST,
			 "%s/%s is not what was stored there: its sha256 is %s; it is removed now, build again",
			 cache->path, name, hex);
}

/* One cache_fetch(): the missing files are downloaded into a private scratch directory. */
struct cache_fetch {
	struct cache *cache;            /* borrowed */
	char *scratch;                  /* owned */
	int scratch_fd;                 /* owned */
	struct http_download *item;     /* owned; n of them, their fds too */
	const struct cache_want **want; /* owned; what each item is for (borrowed) */
	size_t n;
};

/* A name that exists is complete, except that a power failure may leave a short file under it: the size is
 * compared if known. */
static bool have_file(struct cache *cache, const struct cache_want *want)
{
	CLEANUP(free_p) char *name = xasprintf("files/%s", want->sha256);
	struct stat st;

	if (fstatat(cache->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISREG(st.st_mode) && st.st_size > 0 && (!want->size || (uint64_t)st.st_size == want->size)) {
		cache_touch(cache, name);
		return true;
	}
	unlinkat(cache->fd, name, 0);
	return false;
}

static bool is_sha256(const char *hex)
{
	return hex && strlen(hex) == SHA256_HEX - 1 && strspn(hex, "0123456789abcdef") == SHA256_HEX - 1;
}

static int fetch_start(struct http_download *item, struct error *err)
{
	const struct cache_fetch *f = item->context;
	const char *name = f->want[item - f->item]->sha256;

	item->fd = openat(f->scratch_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return item->fd < 0 ? error_errno(err, errno, "make %s/%s", f->scratch, name) : 0;
}

static int fetch_done(struct http_download *item, struct error *err)
{
	const struct cache_fetch *f = item->context;
	const struct cache_want *want = f->want[item - f->item];

	if (strcmp(item->sha256, want->sha256) || (want->size && item->received != want->size))
		return error_set(
			err, ERROR_TRUST,
			"%s from %s is not what was locked: %llu bytes with sha256 %s instead of sha256 %s; run "
			"`nodekiln lock --update`; if that does not help, do not trust this mirror",
			want->name, want->url, (unsigned long long)item->received, item->sha256, want->sha256);
	CLEANUP(free_p) char *name = xasprintf("%s/%s", f->scratch, want->sha256);
	close_p(&item->fd);
	item->fd = -1;
	return cache_publish(f->cache, name, "files", want->sha256, err);
}

static bool fetch_has(const struct cache_fetch *f, const char *sha256)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->want[i]->sha256, sha256))
			return true;
	return false;
}

static int fetch_add(struct cache_fetch *f, const struct cache_want *want, struct error *err)
{
	if (!is_sha256(want->sha256))
		return error_set(err, ERROR_INPUT, "%s: '%s' is not a sha256 (64 lower-case hex digits)", want->name,
				 want->sha256 ? want->sha256 : "");
	if (have_file(f->cache, want) || fetch_has(f, want->sha256))
		return 0;
	if (f->cache->offline)
		return error_set(err, ERROR_NETWORK,
				 "%s (%s) is not in the cache, %s, and --offline downloads nothing; build once without "
				 "--offline",
				 want->name, want->url, f->cache->path);
	if (!f->scratch && cache_scratch(f->cache, &f->scratch, &f->scratch_fd, err) < 0)
		return -1;
	f->want[f->n] = want;
	f->item[f->n++] = (struct http_download){
		.url = want->url,
		.name = want->name,
		.fd = -1,
		.limit = want->size,
		.apt = want->apt,
		.start = fetch_start,
		.done = fetch_done,
		.context = f,
	};
	return 0;
}

static void fetch_end(struct cache_fetch *f)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < f->n; i++)
		close_p(&f->item[i].fd);
	free(f->item);
	free(f->want);
	if (f->scratch && tree_remove(f->cache->fd, f->scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next cache_open() removes it */
	close_p(&f->scratch_fd);
	free(f->scratch);
}

int cache_fetch(struct cache *cache, const struct cache_want *wants, size_t n,
		void (*progress)(void *context, uint64_t new_bytes), void *context, struct error *err)
{
	CLEANUP(fetch_end) struct cache_fetch f = { .cache = cache, .scratch_fd = -1 };

	f.item = xcalloc(n + 1, sizeof *f.item);
	f.want = xcalloc(n + 1, sizeof *f.want);
	for (size_t i = 0; i < n; i++)
		if (fetch_add(&f, &wants[i], err) < 0)
			return -1;
	return http_download_all(f.item, f.n, progress, context, err);
}
