/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/cache/digest.h"
#include "builder/gomod/go_settings.h"
#include "builder/gomod/gomod_internal.h"
#include "builder/lock/lock_component.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/validate.h"

/* Raise when the same component gives another solution. */
#define SOLUTION_FORMAT "1"
#define SOLUTION_MAX (16u << 20)
/* Not with the modules, whose directory is visible to what compiles another lock. */
#define SOLUTIONS "solutions"

/* What decides which modules are needed. */
static void hash_module(struct hash *h, const struct component *c)
{
	hash_field(h, "format", SOLUTION_FORMAT);
	hash_field(h, "name", c->name);
	hash_field(h, "module", c->go.module);
	hash_field(h, "tag", c->go.tag);
	hash_field(h, "released_with", c->go.released_with);
	for (size_t i = 0; i < c->go.modules.n; i++)
		hash_field(h, "more", c->go.modules.at[i]);
	for (size_t i = 0; i < c->programs.n; i++)
		hash_field(h, "package", c->programs.at[i].package);
}

/* A solution with checksums that no database has confirmed is not one for a user who wants that. */
static void hash_trust(struct hash *h)
{
	static const char *const names[] = { "GOSUMDB", "GONOSUMDB", "GOPRIVATE" };
	CLEANUP(strings_done) struct strings settings = { 0 };
	struct error unreadable = { 0 };

	if (go_settings_read(&settings, &unreadable) < 0)
		hash_field(h, "settings", unreadable.text);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		hash_field(h, names[i], go_settings_get(&settings, names[i]));
}

/* Files of the cache: the newest release of the requested version, and its solution. */
static char *release_name(const struct component *c)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char hex[SHA256_HEX];

	hash_module(h, c);
	hash_field(h, "requested", c->version);
	hash_hex(h, hex);
	return xasprintf(SOLUTIONS "/%s.release", hex);
}

static char *solution_name(const struct component *c, const char *version)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	CLEANUP(free_p) char *own = gomod_main_directory(c);
	struct error ignored = { 0 };
	char hex[SHA256_HEX];

	hash_module(h, c);
	hash_trust(h);
	hash_field(h, "version", version);
	if (own && digest_directory(h, own, &ignored) < 0)
		hash_field(h, "main", ignored.text);
	hash_hex(h, hex);
	return xasprintf(SOLUTIONS "/%s.solution", hex);
}

bool gomod_is_release(const char *version)
{
	int major, minor, patch;

	return kubernetes_release_parse(version, &major, &minor, &patch) && patch >= 0;
}

char *gomod_solution_release(const struct gomod *g, const struct component *c)
{
	CLEANUP(free_p) char *name = release_name(c);
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };
	struct stat st;

	if (gomod_is_release(c->version))
		return xstrdup(c->version);
	if (fstatat(g->cache->fd, name, &st, 0) < 0 || (g->update && !g->cache->offline))
		return NULL;
	time_t age = time(NULL) - st.st_mtime;
	if (!g->cache->offline && (age < 0 || age > GOMOD_FRESH_SECONDS))
		return NULL;
	if (file_read(g->cache->fd, name, SOLUTION_MAX, &text, &ignored) < 0 || !text.len ||
	    !gomod_is_release(text.data))
		return NULL;
	return text_take(&text);
}

int gomod_solution_load(const struct gomod *g, const struct component *c, const char *version,
			struct lock_component *ret)
{
	CLEANUP(free_p) char *name = solution_name(c, version);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error why = { 0 };

	if (faccessat(g->cache->fd, name, F_OK, 0) < 0)
		return 0;
	cache_touch(g->cache, name);
	if (file_read(g->cache->fd, name, SOLUTION_MAX, &text, &why) == 0 && text.len &&
	    json_parse(name, text.data, text.len, &json, &why) == 0 &&
	    lock_component_read(name, "solution", json, ret, &why) == 0)
		return 1;
	log_debug("%s", why.text);
	return 0;
}

int gomod_solution_store(const struct gomod *g, const struct component *c, const struct lock_component *solution,
			 struct error *err)
{
	CLEANUP(free_p) char *name = solution_name(c, solution->version), *release = release_name(c);
	CLEANUP(json_free_p) struct json *json = lock_component_json(solution);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(json, false, &text);
	if (file_write(g->cache->fd, name, text.data, text.len, 0644, err) < 0)
		return -1;
	return file_write(g->cache->fd, release, solution->version, strlen(solution->version), 0644, err);
}
