/* SPDX-License-Identifier: Apache-2.0 */
/* Reads entries from a directory, or from a URL through the cache. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "builder/advisory/advisory_internal.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/validate.h"

#define INDEX "index/modules.json"
#define INDEX_FILE "modules.json" /* in the cache */
#define INDEX_MAX (64u << 20)     /* bytes; that of 2026 has 1 MiB */
#define ENTRIES_MAX 100000u       /* files of a directory, or ids of an index */
#define SUFFIX ".json"
#define CACHE_KIND "artifacts"

static int read_entry(int dirfd, const char *name, struct advisories *a, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(osv_done) struct osv osv = { 0 };

	if (file_read(dirfd, name, OSV_TEXT_MAX, &text, err) < 0 ||
	    osv_parse(name, text.data ? text.data : "", text.len, &osv, err) < 0)
		return -1;
	advisories_match(a, &osv);
	return 0;
}

/* Every NAME.json of a directory. */
static int read_flat(int fd, const char *path, struct advisories *a, struct error *err)
{
	CLEANUP(close_p) int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	CLEANUP(closedir_p) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	size_t n = 0;

	if (!dir)
		return error_errno(err, errno, "list %s", path);
	copy = -1;
	for (const struct dirent *e; (e = readdir(dir));) {
		if (*e->d_name == '.' || !text_ends(e->d_name, SUFFIX))
			continue;
		if (++n > ENTRIES_MAX)
			return error_set(err, ERROR_INPUT, "%s has more than %u files", path, ENTRIES_MAX);
		if (read_entry(fd, e->d_name, a, err) < 0)
			return error_wrap(err, "%s", path);
	}
	if (!n)
		return error_set(err, ERROR_INPUT,
				 "%s has neither " INDEX " nor files *" SUFFIX
				 "; name a directory with entries in the OSV "
				 "format",
				 path);
	return 0;
}

static bool has_module(const struct advisories *a, const char *path)
{
	for (size_t i = 0; i < a->modules.n; i++) {
		if (!strcmp(a->modules.at[i].path, path))
			return true;
	}
	return false;
}

/* Adds the ids of one module, which become file names and parts of URLs. */
static int read_ids(const char *name, const struct json *vulns, struct strings *ret, struct error *err)
{
	for (size_t i = 0; i < json_count(vulns); i++) {
		const char *id = json_get_string(json_at(vulns, i), "id");

		if (!id || !filename_is_valid(id) || *id == '.' || ret->n == ENTRIES_MAX)
			return error_set(err, ERROR_INPUT, "%s: an id is missing or not valid, or there are too many",
					 name);
		strings_add(ret, id);
	}
	return 0;
}

/* The ids of the entries of the lock's modules, sorted; one that concerns several modules is there several times. */
static int parse_index(const char *name, const struct text *text, const struct advisories *a, struct strings *ret,
		       struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;

	if (json_parse(name, text->data ? text->data : "", text->len, &json, err) < 0) {
		err->class = ERROR_INPUT;
		return -1;
	}
	if (!json_is_array(json))
		return error_set(err, ERROR_INPUT, "%s must be a list of modules", name);
	for (size_t i = 0; i < json_count(json); i++) {
		const char *path = json_get_string(json_at(json, i), "path");

		if (!path)
			return error_set(err, ERROR_INPUT, "%s: a module has no path", name);
		if (has_module(a, path) && read_ids(name, json_get(json_at(json, i), "vulns"), ret, err) < 0)
			return -1;
	}
	strings_sort(ret);
	return 0;
}

int advisories_read_directory(const char *path, struct advisories *a, struct error *err)
{
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, path, err);
	CLEANUP(strings_done) struct strings ids = { 0 };
	CLEANUP(text_done) struct text index = { 0 };

	if (fd < 0) {
		err->class = ERROR_USAGE;
		return -1;
	}
	if (faccessat(fd, INDEX, F_OK, 0) < 0)
		return read_flat(fd, path, a, err);
	if (file_read(fd, INDEX, INDEX_MAX, &index, err) < 0 || parse_index(INDEX, &index, a, &ids, err) < 0)
		return error_wrap(err, "%s", path);
	for (size_t i = 0; i < ids.n; i++) {
		if (i && !strcmp(ids.at[i], ids.at[i - 1]))
			continue;
		CLEANUP(free_p) char *name = xasprintf("ID/%s" SUFFIX, ids.at[i]);

		if (read_entry(fd, name, a, err) < 0)
			return error_wrap(err, "%s", path);
	}
	return 0;
}

static int start_file(struct http_download *item, struct error *err)
{
	int *dirfd = item->context;

	item->fd = openat(*dirfd, item->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return item->fd < 0 ? error_errno(err, errno, "create %s", item->name) : 0;
}

static int end_file(struct http_download *item, struct error *err UNUSED)
{
	close_p(&item->fd);
	item->fd = -1;
	return 0;
}

/* Downloads urls[i] as names[i] into a new directory of the cache. */
static int fetch(struct cache *cache, const char *key, const struct strings *urls, const struct strings *names,
		 uint64_t limit, struct error *err)
{
	CLEANUP(free_p) struct http_download *items = xcalloc(urls->n + 1, sizeof *items);
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1;
	int rc;

	if (cache_scratch(cache, &scratch, &fd, err) < 0)
		return -1;
	for (size_t i = 0; i < urls->n; i++)
		items[i] = (struct http_download){ .url = urls->at[i],
						   .name = names->at[i],
						   .fd = -1,
						   .start = start_file,
						   .done = end_file,
						   .context = &fd,
						   .limit = limit };
	rc = http_download_all(items, urls->n, NULL, NULL, err);
	for (size_t i = 0; i < urls->n; i++)
		close_p(&items[i].fd);
	return rc < 0 ? -1 : cache_publish(cache, scratch, CACHE_KIND, key, err);
}

/* The directory of the cache for these names of a source on a day. Returns its fd. */
static int cached(struct cache *cache, time_t today, const struct strings *urls, const struct strings *names,
		  uint64_t limit, struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	CLEANUP(free_p) char *name = NULL;
	char key[SHA256_HEX], day[CLOCK_TEXT_MAX];

	clock_text(today, day);
	*strchr(day, 'T') = '\0';
	hash_field(h, "advisories", day);
	for (size_t i = 0; i < urls->n; i++)
		hash_field(h, "url", urls->at[i]);
	hash_hex(h, key);
	if (!cache_has(cache, CACHE_KIND, key) && fetch(cache, key, urls, names, limit, err) < 0)
		return -1;
	name = xasprintf(CACHE_KIND "/%s", key);
	return dir_open(cache->fd, name, err);
}

int advisories_read_url(const char *url, struct cache *cache, time_t today, struct advisories *a, struct error *err)
{
	CLEANUP(strings_done)
	struct strings urls = { 0 }, names = { 0 }, index_url = { 0 }, index_name = { 0 }, ids = { 0 };
	CLEANUP(text_done) struct text index = { 0 };
	const char *slash = text_ends(url, "/") ? "" : "/";

	if (!url_is_valid(url))
		return error_set(err, ERROR_USAGE, "'%s' is no valid URL", url);
	strings_addf(&index_url, "%s%s" INDEX, url, slash);
	strings_add(&index_name, INDEX_FILE);
	CLEANUP(close_p) int index_fd = cached(cache, today, &index_url, &index_name, INDEX_MAX, err);
	if (index_fd < 0 || file_read(index_fd, INDEX_FILE, INDEX_MAX, &index, err) < 0 ||
	    parse_index(index_url.at[0], &index, a, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.n; i++) {
		if (i && !strcmp(ids.at[i], ids.at[i - 1]))
			continue;
		strings_addf(&urls, "%s%sID/%s" SUFFIX, url, slash, ids.at[i]);
		strings_addf(&names, "%s" SUFFIX, ids.at[i]);
	}
	if (!ids.n)
		return 0;
	CLEANUP(close_p) int fd = cached(cache, today, &urls, &names, OSV_TEXT_MAX, err);
	return fd < 0 ? -1 : read_flat(fd, url, a, err);
}
