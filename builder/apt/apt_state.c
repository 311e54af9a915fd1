/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "builder/apt/apt.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define LISTS "var/lib/apt/lists"
#define INDICES_NAME_HEX 16 /* digits of INDICES in the directory's name */
#define RELEASE_MAX (16u << 20)
/* Debian 12 takes 112 MiB: lists of binary and source packages, compressed and uncompressed. */
#define UPDATE_SPACE (160ull << 20)

static int open_locked(struct cache *cache, const char *name)
{
	CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat named, opened;

	if (fd < 0 || flock(fd, LOCK_SH) < 0 || fstat(fd, &opened) < 0 || fstatat(cache->fd, name, &named, 0) < 0)
		return -1;
	/* Another process may have removed the state between open(2) and flock(2). */
	return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev ? TAKE_FD(fd) : -1;
}

/* Time of the last update from the mirror; 0 when the entry is not a state. */
static time_t checked_at(int aptfd, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s/checked", name);
	struct stat st;

	return fstatat(aptfd, file, &st, 0) == 0 ? st.st_mtime : 0;
}

static DIR *list_states(struct cache *cache, struct error *err)
{
	int fd = dir_open(cache->fd, "apt", err);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (fd >= 0 && !dir) {
		error_errno(err, errno, "list %s/apt", cache->path);
		close(fd);
	}
	return dir;
}

/* The name of the newest state of these sources, NULL when there is none. */
static int find_newest(struct cache *cache, const char *key, char **ret, time_t *ret_checked, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = list_states(cache, err);
	struct dirent *entry;

	if (!dir)
		return -1;
	*ret = NULL;
	*ret_checked = 0;
	while ((entry = readdir(dir))) {
		time_t checked = checked_at(dirfd(dir), entry->d_name);
		if (!text_starts(entry->d_name, key) || checked <= *ret_checked)
			continue;
		free(*ret);
		*ret = xstrdup(entry->d_name);
		*ret_checked = checked;
	}
	return 0;
}

/* Opens and locks the state of that name: 1 on success, 0 when it does not exist (any more). */
static int use_state(struct cache *cache, const char *name, struct apt *ret, struct error *err)
{
	CLEANUP(free_p) char *below = xasprintf("apt/%s", name);
	CLEANUP(close_p) int fd = open_locked(cache, below);
	CLEANUP(text_done) struct text indices = { 0 };

	if (fd < 0)
		return 0;
	if (file_read(fd, "indices", SHA256_HEX, &indices, err) < 0)
		return error_wrap(err, "%s/%s (remove it)", cache->path, below);
	cache_touch(cache, below);
	*ret = (struct apt){ .path = xasprintf("%s/%s", cache->path, below), .fd = TAKE_FD(fd) };
	memcpy(ret->indices, indices.data, indices.len < SHA256_HEX ? indices.len : SHA256_HEX - 1);
	return 1;
}

/* Removes older states of the same sources, and any state that was not used for APT_KEEP_SECONDS, except those in use. */
static void remove_old_states(struct cache *cache, const char *key, const char *keep)
{
	struct error ignored = { 0 };
	CLEANUP(closedir_p) DIR *dir = list_states(cache, &ignored);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		bool old = text_starts(name, key) || checked_at(dirfd(dir), name) < time(NULL) - APT_KEEP_SECONDS;
		if (name[0] == '.' || !strcmp(name, keep) || !old)
			continue;
		CLEANUP(close_p) int fd = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && tree_remove(dirfd(dir), name, &ignored) < 0)
			log_debug("%s", ignored.text);
	}
}

static int plain_file(const struct dirent *entry)
{
	return entry->d_type == DT_REG && strcmp(entry->d_name, "lock") != 0;
}

/* Hard-links the lists of an older state into a new one, so that apt does not fetch unchanged files again. apt replaces
 * files and never writes into them, and it checks all signatures again. */
static void link_lists(int from, int to)
{
	struct dirent **entry = NULL;
	int n = scandirat(from, LISTS, &entry, plain_file, NULL);

	for (int i = 0; i < n; i++) {
		CLEANUP(free_p) char *name = xasprintf(LISTS "/%s", entry[i]->d_name);
		if (linkat(from, name, to, name, 0) < 0)
			log_debug("cannot link %s: %m", name); /* then apt fetches it */
		free(entry[i]);
	}
	free(entry);
}

static int is_release(const struct dirent *entry)
{
	return text_ends(entry->d_name, "Release");
}

static int digest_indices(int dirfd, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	struct dirent **entry = NULL;
	int n = scandirat(dirfd, LISTS, &entry, is_release, alphasort), rc = 0;

	if (n < 0)
		return error_errno(err, errno, "list apt's indices");
	for (int i = 0; i < n; i++) {
		CLEANUP(free_p) char *name = xasprintf(LISTS "/%s", entry[i]->d_name);
		CLEANUP(text_done) struct text release = { 0 };
		rc = rc < 0 ? rc : file_read(dirfd, name, RELEASE_MAX, &release, err);
		hash_field(h, entry[i]->d_name, release.data);
		free(entry[i]);
	}
	free(entry);
	hash_hex(h, ret_hex);
	return rc;
}

static int touch_checked(int dirfd, struct error *err)
{
	return file_write(dirfd, "checked", "", 0, 0644, err);
}

/* Checked in advance, because apt-get(8) of Debian 12 hangs when the disk becomes full. */
static int check_space(const struct cache *cache, int fd, struct error *err)
{
	uint64_t space = file_free_space(fd);

	if (space >= UPDATE_SPACE)
		return 0;
	return error_set(err, ERROR_SPACE,
			 "the cache, %s, has %s of space, but the package lists alone need %s; free space, or "
			 "set NODEKILN_CACHE to another directory",
			 cache->path, text_bytes(space), text_bytes(UPDATE_SPACE));
}

/* Runs `apt-get update` in the scratch directory, then writes the configuration for the final path; *ret is the state's
 * name. */
static int update(struct sources *sources, const char *key, struct cache *cache, const char *scratch, int fd,
		  char **ret, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", cache->path, scratch);
	CLEANUP(text_done) struct text ignored = { 0 };
	/* The package cache contains paths, so it is generated at the final path (use_new()). */
	char *argv[] = { "apt-get", "-q", "-opkgCacheFile::Generate=false", "update", NULL };
	char hex[SHA256_HEX];

	if (check_space(cache, fd, err) < 0 || sources_fetch_keys(sources, err) < 0 ||
	    sources_write(sources, fd, path, err) < 0 || apt_run(path, argv, &ignored, err) < 0 ||
	    digest_indices(fd, hex, err) < 0)
		return -1;
	CLEANUP(free_p) char *name = xasprintf("%s-%.*s", key, INDICES_NAME_HEX, hex);
	CLEANUP(free_p) char *final = xasprintf("%s/apt/%s", cache->path, name);
	if (file_write(fd, "indices", hex, strlen(hex), 0644, err) < 0 || touch_checked(fd, err) < 0 ||
	    apt_configure(fd, final, sources->architecture, err) < 0 || sources_write(sources, fd, final, err) < 0)
		return -1;
	*ret = TAKE(name);
	return 0;
}

/* Generates apt's package cache once, so that the parallel runs afterwards find it. */
static int use_new(struct cache *cache, const char *key, const char *name, struct apt *ret, struct error *err)
{
	char *argv[] = { "apt-cache", "gencaches", NULL };
	CLEANUP(text_done) struct text ignored = { 0 };
	int rc = use_state(cache, name, ret, err);

	if (rc == 0)
		error_set(err, ERROR_FAILED, "%s/apt/%s was removed meanwhile; run the command again", cache->path,
			  name);
	if (rc <= 0 || touch_checked(ret->fd, err) < 0)
		return -1;
	remove_old_states(cache, key, name);
	return apt_run(ret->path, argv, &ignored, err);
}

/* old may be zeroed; it is closed after its lists have been linked. */
static int refresh(struct sources *sources, const char *key, struct apt *old, struct cache *cache, struct apt *ret,
		   struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL, *name = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error ignored = { 0 };

	if (cache_scratch(cache, &scratch, &fd, err) < 0)
		return -1;
	CLEANUP(free_p) char *path = xasprintf("%s/%s", cache->path, scratch);
	/* The user _apt must reach it; it has no secrets. */
	int rc = fchmod(fd, 0755) < 0 ? error_errno(err, errno, "set the mode of %s", path) : 0;
	if (rc == 0)
		rc = apt_configure(fd, path, sources->architecture, err);
	if (rc == 0 && old->path)
		link_lists(old->fd, fd);
	apt_close(old);
	if (rc == 0)
		rc = update(sources, key, cache, scratch, fd, &name, err);
	if (rc == 0)
		rc = cache_publish(cache, scratch, "apt", name, err);
	/* The published directory still has this process's exclusive lock, which would block use_state(). */
	close_p(&fd);
	fd = -1;
	if (rc < 0 && tree_remove(cache->fd, scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* cache_open() removes it later */
	return rc < 0 ? rc : use_new(cache, key, name, ret, err);
}

int apt_open(struct sources *sources, bool update_now, struct cache *cache, struct apt *ret, struct error *err)
{
	CLEANUP(free_p) char *newest = NULL;
	CLEANUP(apt_close) struct apt old = { .fd = -1 };
	char key[SHA256_HEX];
	time_t checked;

	sources_digest(sources, key);
	if (find_newest(cache, key, &newest, &checked, err) < 0 || (newest && use_state(cache, newest, &old, err) < 0))
		return -1;
	time_t age = time(NULL) - checked;
	bool fresh = age >= 0 && age < APT_FRESH_SECONDS;
	if (cache->offline && !old.path)
		return error_set(
			err, ERROR_NETWORK,
			"the cache, %s, has no package index of these repositories, and --offline forbids to fetch it; "
			"build once without --offline, or from a lock (--locked)",
			cache->path);
	if (old.path && (cache->offline || (!update_now && fresh))) {
		*ret = old;
		old = (struct apt){ .fd = -1 };
		return 0;
	}
	return refresh(sources, key, &old, cache, ret, err);
}

void apt_close(struct apt *apt)
{
	if (!apt->path)
		return;
	free(apt->path);
	close_p(&apt->fd);
	*apt = (struct apt){ .fd = -1 };
}
