/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a lock so that equal locks give equal text: everything is sorted. URLs are stored in two parts, so that lines stay
 * short and a change of mirror changes one line. lock_read.c is the reader. */
#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock.h"
#include "builder/lock/lock_component.h"
#include "builder/lock/lock_format.h"

/* Length of the repository's part of a URL: up to Debian's pool/, else up to the last slash. The search begins after
 * the host, which may be called pool. */
static size_t repository_length(const char *url)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + strlen("://"), '/') : NULL;
	const char *pool = path ? strstr(path, "/pool/") : NULL, *slash = pool ? pool : strrchr(url, '/');

	return slash ? (size_t)(slash - url) + 1 : 0;
}

static void add_repositories(struct strings *list, const struct lock *lock, enum lock_group group)
{
	for (size_t i = 0; i < lock->group[group].n; i++) {
		const char *url = lock->group[group].at[i].url;
		CLEANUP(free_p) char *repository = xstrndup(url, repository_length(url));

		if (!strings_has(list, repository))
			strings_own(list, TAKE(repository));
	}
}

static size_t repository_index(const struct strings *repositories, const char *url)
{
	size_t len = repository_length(url), i = 0;

	while (strlen(repositories->at[i]) != len || memcmp(repositories->at[i], url, len) != 0)
		i++;
	return i;
}

static int by_name(const void *a, const void *b)
{
	const struct lock_package *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static struct json *package_json(const struct lock_package *p, const struct strings *repositories)
{
	struct json *object = json_object();

	json_put_string(object, "name", p->name);
	json_put_string(object, "version", p->version);
	json_put_string(object, "architecture", p->architecture);
	json_put_int(object, "repository", (int64_t)repository_index(repositories, p->url));
	json_put_string(object, "path", p->url + repository_length(p->url));
	json_put_string(object, "sha256", p->sha256);
	json_put_int(object, "size", (int64_t)p->size);
	json_put_int(object, "installed", (int64_t)p->installed);
	return object;
}

static struct json *group_json(const struct lock *lock, enum lock_group group, const struct strings *repositories)
{
	VEC(const struct lock_package *) sorted = { 0 };
	struct json *array = json_array();

	for (size_t i = 0; i < lock->group[group].n; i++)
		vec_push(&sorted, &lock->group[group].at[i]);
	if (sorted.n)
		qsort(sorted.at, sorted.n, sizeof *sorted.at, by_name);
	for (size_t i = 0; i < sorted.n; i++)
		json_push(array, package_json(sorted.at[i], repositories));
	vec_done(&sorted);
	return array;
}

static struct json *files_json(const struct lock_files *files)
{
	struct json *array = json_array();

	for (size_t i = 0; i < files->list.n; i++) {
		const struct lock_file *f = &files->list.at[i];
		struct json *object = json_object();

		json_put_string(object, "name", f->name);
		json_put_string(object, "url", f->url);
		json_put_string(object, "sha256", f->sha256);
		json_put_int(object, "size", (int64_t)f->size);
		json_push(array, object);
	}
	return array;
}

static struct json *sources_json(const struct lock *lock)
{
	struct json *array = json_array();

	for (size_t i = 0; i < lock->sources.n; i++) {
		const struct lock_source *s = &lock->sources.at[i];
		struct json *object = json_object();

		json_put_string(object, "name", s->name);
		json_put_string(object, "version", s->version);
		json_put(object, "files", files_json(&s->files));
		json_push(array, object);
	}
	return array;
}

static struct json *components_json(const struct lock *lock)
{
	struct json *array = json_array();

	for (size_t i = 0; i < lock->components.n; i++)
		json_push(array, lock_component_json(&lock->components.at[i]));
	return array;
}

struct json *lock_json(const struct lock *lock)
{
	CLEANUP(strings_done) struct strings repositories = { 0 };
	struct json *object = json_object(), *packages = json_object();

	for (int group = 0; group < LOCK_GROUPS; group++)
		add_repositories(&repositories, lock, (enum lock_group)group);
	strings_sort(&repositories);
	for (int group = 0; group < LOCK_GROUPS; group++)
		json_put(packages, lock_group_names[group], group_json(lock, (enum lock_group)group, &repositories));
	json_put_int(object, "nodekiln_lock", LOCK_FORMAT);
	json_put_string(object, "recipe_digest", lock->recipe_digest);
	json_put_string(object, "kubernetes_version", lock->kubernetes_version);
	json_put_strings(object, "repositories", &repositories);
	json_put(object, "packages", packages);
	json_put(object, "components", components_json(lock));
	json_put(object, "sources", sources_json(lock));
	json_put(object, "binaries", files_json(&lock->binaries));
	return object;
}
