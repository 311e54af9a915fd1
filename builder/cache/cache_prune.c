/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/cache_prune.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

/* Without tmp/, whose entries are in use or removed by cache_open(). */
const char *const cache_kinds[] = { "files",   "repacked",  "apt",     "trees", "artifacts",
				    "modules", "solutions", "gocache", NULL };

int cache_limit(uint64_t *ret, struct error *err)
{
	const char *text = getenv("NODEKILN_CACHE_MAX");
	unsigned long long bytes = CACHE_LIMIT;

	if (text && *text && !text_size(text, &bytes))
		return error_set(err, ERROR_USAGE, "NODEKILN_CACHE_MAX is '%s'; it must be a size, such as 20G", text);
	*ret = bytes;
	return 0;
}

/* An entry that another program removes meanwhile is not counted. */
static int read_entry(struct cache *cache, const char *kind, const char *entry, struct cache_usage *ret,
		      struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s/%s", kind, entry);
	struct cache_entry item = { .kind = kind };
	struct stat st;

	if (fstatat(cache->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at %s/%s", cache->path, name);
	if (tree_size(cache->fd, name, &item.bytes, err) < 0)
		return faccessat(cache->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : -1;
	item.name = xstrdup(entry);
	item.used = st.st_mtime;
	vec_push(&ret->entries, item);
	return 0;
}

static int read_kind(struct cache *cache, const char *kind, struct cache_usage *ret, struct error *err)
{
	int fd = dir_open(cache->fd, kind, err);
	CLEANUP(closedir_p) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir)
		return fd < 0 ? -1 : error_errno(err, errno, "list %s/%s", cache->path, kind);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    read_entry(cache, kind, entry->d_name, ret, err) < 0)
			return -1;
	return 0;
}

int cache_usage_read(struct cache *cache, struct cache_usage *ret, struct error *err)
{
	CLEANUP(cache_usage_done) struct cache_usage usage = { 0 };

	for (const char *const *kind = cache_kinds; *kind; kind++)
		if (read_kind(cache, *kind, &usage, err) < 0)
			return -1;
	*ret = TAKE(usage);
	return 0;
}

uint64_t cache_usage_bytes(const struct cache_usage *usage, const char *kind, size_t *ret_count)
{
	uint64_t bytes = 0;

	*ret_count = 0;
	for (size_t i = 0; i < usage->entries.n; i++)
		if (!kind || !strcmp(usage->entries.at[i].kind, kind)) {
			bytes += usage->entries.at[i].bytes;
			++*ret_count;
		}
	return bytes;
}

static int by_use(const void *a, const void *b)
{
	const struct cache_entry *x = a, *y = b;

	return x->used == y->used ? strcmp(x->name, y->name) : x->used < y->used ? -1 : 1;
}

uint64_t cache_usage_select(struct cache_usage *usage, uint64_t limit)
{
	size_t count;
	uint64_t left = cache_usage_bytes(usage, NULL, &count), marked = 0;

	if (count)
		qsort(usage->entries.at, count, sizeof *usage->entries.at, by_use);
	for (size_t i = 0; i < count && left > limit; i++) {
		struct cache_entry *item = &usage->entries.at[i];
		item->marked = true;
		left -= item->bytes;
		marked += item->bytes;
	}
	return marked;
}

static int remove_marked(struct cache *cache, const struct cache_usage *usage, struct error *err)
{
	for (size_t i = 0; i < usage->entries.n; i++) {
		const struct cache_entry *item = &usage->entries.at[i];
		CLEANUP(free_p) char *name = xasprintf("%s/%s", item->kind, item->name);
		if (item->marked && tree_remove(cache->fd, name, err) < 0)
			return error_wrap(err, "cache %s", cache->path);
		CLEANUP(free_p) char *seal = seal_name(name);
		if (item->marked)
			unlinkat(cache->fd, seal, 0);
	}
	return 0;
}

int cache_seal_all(struct cache *cache, size_t *ret_count, struct error *err)
{
	CLEANUP(cache_usage_done) struct cache_usage usage = { 0 };
	struct error gone = { 0 };

	*ret_count = 0;
	if (cache_usage_read(cache, &usage, err) < 0)
		return -1;
	for (size_t i = 0; i < usage.entries.n; i++) {
		const struct cache_entry *item = &usage.entries.at[i];
		CLEANUP(free_p) char *name = xasprintf("%s/%s", item->kind, item->name);
		if (!seal_needed(item->kind))
			continue;
		if (seal_write(cache, name, name, &gone) == 0)
			++*ret_count;
		else
			log_debug("%s", gone.text); /* another build changes or removes it */
	}
	seal_mark(cache);
	return 0;
}

/* Reads the usage only now, with the exclusive lock: no other process can use an entry any more. */
static int prune_locked(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err)
{
	CLEANUP(cache_usage_done) struct cache_usage usage = { 0 };

	if (cache_usage_read(cache, &usage, err) < 0)
		return -1;
	*ret_removed = cache_usage_select(&usage, limit);
	return remove_marked(cache, &usage, err);
}

int cache_prune(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err)
{
	bool locked = flock(cache->fd, LOCK_EX | LOCK_NB) == 0;
	int rc = locked ? prune_locked(cache, limit, ret_removed, err) : 0;

	/* A failed conversion may lose the lock (flock(2)), so it is always taken again. */
	if (flock(cache->fd, LOCK_SH) < 0 && rc == 0)
		return error_errno(err, errno, "lock the cache, %s", cache->path);
	return rc < 0 ? rc : locked;
}

void cache_trim(struct cache *cache)
{
	struct error err = { 0 };
	uint64_t limit, removed = 0;

	if (cache_limit(&limit, &err) < 0 || cache_prune(cache, limit, &removed, &err) < 0)
		log_warning("%s", err.text);
	else if (removed)
		log_info("cache: removed the least recently used %s, to keep it below %s", text_bytes(removed),
			 text_bytes(limit));
}

void cache_usage_done(struct cache_usage *usage)
{
	for (size_t i = 0; i < usage->entries.n; i++)
		free(usage->entries.at[i].name);
	vec_done(&usage->entries);
}
