/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of lock files. It is strict, because a lock decides what runs as root on every node. Errors name the file
 * and the place in it. */
#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock_component.h"
#include "builder/lock/lock_format.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/login.h"
#include "lib/validate.h"

struct lock_reader {
	const char *file; /* borrowed */
	struct strings repositories;
	struct error *err;
};

static void lock_reader_done(struct lock_reader *r)
{
	strings_done(&r->repositories);
}

static int wrong(const struct lock_reader *r, const char *place, const char *what)
{
	return error_set(r->err, ERROR_INPUT, "%s: %s %s; run `nodekiln lock` to regenerate it", r->file, place, what);
}

static int check_object(const struct lock_reader *r, const struct json *object, const char *const *keys,
			const char *place)
{
	const char *unknown;

	if (!json_is_object(object))
		return wrong(r, place, "must be an object");
	unknown = json_unknown_key(object, keys);
	if (unknown)
		return error_set(r->err, ERROR_INPUT, "%s: %s has an unknown key '%s'", r->file, place, unknown);
	return 0;
}

static bool is_hex64(const char *s)
{
	return hex_is_valid(s, 64) && !s[strcspn(s, "ABCDEF")];
}

static bool has_dots(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
		size_t len = strcspn(part, "/");

		if (len > 0 && len <= 2 && strspn(part, ".") >= len)
			return true;
	}
	return false;
}

/* A path below a repository's URL. */
static bool is_below(const char *s)
{
	CLEANUP(free_p) char *url = xasprintf("file:///%s", s);

	return *s && *s != '/' && !text_ends(s, "/") && !has_dots(s) && url_is_valid(url);
}

static bool is_release(const char *s)
{
	int major, minor, patch;

	return kubernetes_release_parse(s, &major, &minor, &patch);
}

/* A string that is() accepts, into *ret. */
static int read_word(const struct lock_reader *r, const struct json *object, const char *place, const char *key,
		     bool (*is)(const char *), char **ret)
{
	CLEANUP(free_p) char *where = xasprintf("%s.%s", place, key);
	const char *s = json_get_string(object, key);

	if (!s)
		return wrong(r, where, "is missing or not a string");
	if (!is(s))
		return error_set(r->err, ERROR_INPUT, "%s: %s has no valid value: '%s'", r->file, where, s);
	*ret = xstrdup(s);
	return 0;
}

static int read_number(const struct lock_reader *r, const struct json *object, const char *place, const char *key,
		       int64_t max, uint64_t *ret)
{
	CLEANUP(free_p) char *where = xasprintf("%s.%s", place, key);
	int64_t n;

	if (!json_get_int(object, key, &n) || n < 0 || n > max)
		return error_set(r->err, ERROR_INPUT, "%s: %s must be a number from 0 to %lld", r->file, where,
				 (long long)max);
	*ret = (uint64_t)n;
	return 0;
}

static int read_repositories(struct lock_reader *r, const struct json *root)
{
	const struct json *array = json_get(root, "repositories");

	if (!json_is_array(array))
		return wrong(r, "repositories", "must be a list");
	for (size_t i = 0; i < json_count(array); i++) {
		CLEANUP(free_p) char *url = xstrdup_or_null(json_as_string(json_at(array, i)));

		if (login_split(&url, r->file, r->err) < 0)
			return -1;
		if (!url || !url_is_valid(url) || !text_ends(url, "/") || has_dots(url))
			return wrong(r, "repositories", "must contain URLs that end in / and have no ..");
		strings_add(&r->repositories, url);
	}
	return 0;
}

static int read_package(const struct lock_reader *r, const struct json *object, const char *place,
			struct lock_package *p)
{
	static const char *const keys[] = { "name",   "version", "architecture", "repository", "path",
					    "sha256", "size",    "installed",    NULL };
	CLEANUP(free_p) char *path = NULL;
	uint64_t repository;

	if (check_object(r, object, keys, place) < 0 ||
	    read_word(r, object, place, "name", debian_package_is_valid, &p->name) < 0 ||
	    read_word(r, object, place, "version", debian_version_is_valid, &p->version) < 0 ||
	    read_word(r, object, place, "architecture", debian_package_is_valid, &p->architecture) < 0 ||
	    read_word(r, object, place, "path", is_below, &path) < 0 ||
	    read_word(r, object, place, "sha256", is_hex64, &p->sha256) < 0 ||
	    read_number(r, object, place, "repository", (int64_t)r->repositories.n - 1, &repository) < 0 ||
	    read_number(r, object, place, "size", LOCK_FILE_BYTES_MAX, &p->size) < 0 ||
	    read_number(r, object, place, "installed", LOCK_FILE_BYTES_MAX, &p->installed) < 0)
		return -1;
	p->url = xasprintf("%s%s", r->repositories.at[repository], path);
	return 0;
}

/* The order of the writer; it also excludes duplicates, which would make lock_find() ambiguous. */
static int check_order(const struct lock_reader *r, const char *place, const char *before, const char *name)
{
	if (strcmp(before, name) < 0)
		return 0;
	return error_set(r->err, ERROR_INPUT, "%s: %s (%s) follows %s; entries must be sorted and unique", r->file,
			 place, name, before);
}

static int read_group(const struct lock_reader *r, const struct json *packages, enum lock_group group,
		      struct lock *lock)
{
	const struct json *array = json_get(packages, lock_group_names[group]);
	CLEANUP(free_p) char *list = xasprintf("packages.%s", lock_group_names[group]);

	if (!json_is_array(array))
		return wrong(r, list, "must be a list");
	if (json_count(array) > LOCK_PACKAGES_MAX)
		return wrong(r, list, "has too many entries");
	for (size_t i = 0; i < json_count(array); i++) {
		CLEANUP(free_p) char *place = xasprintf("%s[%zu]", list, i);
		struct lock_package *p;

		vec_push(&lock->group[group], (struct lock_package){ 0 });
		p = &lock->group[group].at[i];
		if (read_package(r, json_at(array, i), place, p) < 0 ||
		    (i && check_order(r, place, (p - 1)->name, p->name) < 0))
			return -1;
	}
	return 0;
}

static int read_file(const struct lock_reader *r, const struct json *object, const char *place, struct lock_file *f)
{
	static const char *const keys[] = { "name", "url", "sha256", "size", NULL };

	if (check_object(r, object, keys, place) < 0 ||
	    read_word(r, object, place, "name", filename_is_valid, &f->name) < 0 ||
	    read_word(r, object, place, "url", url_is_valid, &f->url) < 0 ||
	    read_word(r, object, place, "sha256", is_hex64, &f->sha256) < 0 ||
	    login_split(&f->url, r->file, r->err) < 0)
		return -1;
	return read_number(r, object, place, "size", LOCK_FILE_BYTES_MAX, &f->size);
}

static int check_list(const struct lock_reader *r, const struct json *array, size_t max, const char *place)
{
	if (!json_is_array(array) || json_count(array) > max)
		return wrong(r, place, "must be a list that is not too long");
	return 0;
}

static int read_files(const struct lock_reader *r, const struct json *array, const char *list, struct lock_files *files)
{
	if (check_list(r, array, LOCK_FILES_MAX, list) < 0)
		return -1;
	for (size_t i = 0; i < json_count(array); i++) {
		CLEANUP(free_p) char *place = xasprintf("%s[%zu]", list, i);

		vec_push(&files->list, (struct lock_file){ 0 });
		if (read_file(r, json_at(array, i), place, &files->list.at[i]) < 0)
			return -1;
	}
	return 0;
}

static int read_source(const struct lock_reader *r, const struct json *object, const char *place, struct lock_source *s)
{
	static const char *const keys[] = { "name", "version", "files", NULL };
	CLEANUP(free_p) char *list = xasprintf("%s.files", place);

	if (check_object(r, object, keys, place) < 0 ||
	    read_word(r, object, place, "name", debian_package_is_valid, &s->name) < 0 ||
	    read_word(r, object, place, "version", debian_version_is_valid, &s->version) < 0)
		return -1;
	return read_files(r, json_get(object, "files"), list, &s->files);
}

static int read_sources(const struct lock_reader *r, const struct json *root, struct lock *lock)
{
	const struct json *array = json_get(root, "sources");

	if (check_list(r, array, LOCK_SOURCES_MAX, "sources") < 0)
		return -1;
	for (size_t i = 0; i < json_count(array); i++) {
		CLEANUP(free_p) char *place = xasprintf("sources[%zu]", i);
		struct lock_source *s;

		vec_push(&lock->sources, (struct lock_source){ 0 });
		s = &lock->sources.at[i];
		if (read_source(r, json_at(array, i), place, s) < 0 ||
		    (i && check_order(r, place, (s - 1)->name, s->name) < 0))
			return -1;
	}
	return 0;
}

static int read_components(const struct lock_reader *r, const struct json *root, struct lock *lock)
{
	const struct json *array = json_get(root, "components");

	if (check_list(r, array, LOCK_COMPONENTS_MAX, "components") < 0)
		return -1;
	for (size_t i = 0; i < json_count(array); i++) {
		CLEANUP(free_p) char *place = xasprintf("components[%zu]", i);
		struct lock_component *c;

		vec_push(&lock->components, (struct lock_component){ 0 });
		c = &lock->components.at[i];
		if (lock_component_read(r->file, place, json_at(array, i), c, r->err) < 0 ||
		    (i && check_order(r, place, (c - 1)->name, c->name) < 0))
			return -1;
	}
	return 0;
}

static int check_format(const struct lock_reader *r, const struct json *root)
{
	int64_t format = 0;

	if (json_is_object(root) && json_get_int(root, "nodekiln_lock", &format) && format > 0 && format < LOCK_FORMAT)
		return error_set(r->err, ERROR_INPUT,
				 "%s: nodekiln_lock is %lld, the format of an older nodekiln, and must be %d; run "
				 "`nodekiln lock` again",
				 r->file, (long long)format, LOCK_FORMAT);
	return 0;
}

static int read_lock(struct lock_reader *r, const struct json *root, struct lock *lock)
{
	static const char *const keys[] = { "nodekiln_lock", "recipe_digest", "kubernetes_version",
					    "repositories",  "packages",      "components",
					    "sources",       "binaries",      NULL };
	const struct json *packages = json_get(root, "packages");
	int64_t format = 0;

	if (check_format(r, root) < 0 || check_object(r, root, keys, "a lock file") < 0)
		return -1;
	if (!json_get_int(root, "nodekiln_lock", &format) || format != LOCK_FORMAT)
		return error_set(r->err, ERROR_INPUT,
				 "%s: nodekiln_lock must be %d; this is not a lock file, or it is of another version "
				 "of nodekiln",
				 r->file, LOCK_FORMAT);
	if (read_word(r, root, "the lock", "recipe_digest", is_hex64, &lock->recipe_digest) < 0 ||
	    read_repositories(r, root) < 0 || check_object(r, packages, lock_group_names, "packages") < 0)
		return -1;
	if (json_get(root, "kubernetes_version") &&
	    read_word(r, root, "the lock", "kubernetes_version", is_release, &lock->kubernetes_version) < 0)
		return -1;
	for (int group = 0; group < LOCK_GROUPS; group++)
		if (read_group(r, packages, (enum lock_group)group, lock) < 0)
			return -1;
	if (read_components(r, root, lock) < 0 || read_sources(r, root, lock) < 0)
		return -1;
	return read_files(r, json_get(root, "binaries"), "binaries", &lock->binaries);
}

int lock_parse(const char *file, const char *text, size_t len, struct lock *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *root = NULL;
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(lock_reader_done) struct lock_reader r = { .file = file, .err = err };

	if (json_parse(file, text, len, &root, err) < 0 || read_lock(&r, root, &lock) < 0)
		return -1;
	*ret = TAKE(lock);
	return 0;
}

int lock_check_output(const char *file, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *root = NULL;
	struct error ignored = { 0 };
	int64_t format;
	struct stat st;

	if (stat(file, &st) < 0 || (S_ISREG(st.st_mode) && !st.st_size))
		return 0;
	if (S_ISREG(st.st_mode) && file_read(AT_FDCWD, file, LOCK_TEXT_MAX, &text, &ignored) == 0 &&
	    json_parse(file, text.data, text.len, &root, &ignored) == 0 && json_is_object(root) &&
	    json_get_int(root, "nodekiln_lock", &format))
		return 0;
	return error_set(err, ERROR_USAGE,
			 "%s is there already and is not a lock; remove it, or name another file (-o), - for stdout",
			 file);
}

int lock_load(const char *file, struct lock *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(file, LOCK_TEXT_MAX, &text, err) < 0)
		return error_wrap(err, "lock file (`nodekiln lock` creates it)");
	return lock_parse(file, text.data ? text.data : "", text.len, ret, err);
}
