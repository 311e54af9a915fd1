/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "builder/cache/cache_claim.h"
#include "builder/cache/digest.h"
#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/gosum.h"
#include "builder/gomod/module_cache.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"

/* Raise when the same lock gives other bytes. */
#define PROGRAMS_FORMAT "1"

static void hash_list(struct hash *h, const char *label, const struct strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		hash_field(h, label, list->at[i]);
}

static void hash_programs(struct hash *h, const struct component *c)
{
	CLEANUP(free_p) char *own = gomod_main_directory(c);
	struct error unreadable = { 0 };

	hash_list(h, "tag", &c->go.tags);
	hash_list(h, "variable", &c->go.variables);
	hash_list(h, "flag", &c->go.flags);
	hash_field(h, "cgo", c->go.cgo ? "yes" : "no");
	for (size_t i = 0; i < c->programs.n; i++) {
		hash_field(h, "program", c->programs.at[i].name);
		hash_field(h, "package", c->programs.at[i].package);
		hash_list(h, "tag", &c->programs.at[i].tags);
	}
	if (own && digest_directory(h, own, &unreadable) < 0)
		hash_field(h, "unreadable", unreadable.text);
}

void gomod_key(const struct component *c, const struct lock *lock, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	const struct lock_component *locked = lock_component(lock, c->name);
	CLEANUP(text_done) struct text sums = { 0 };
	char tree[SHA256_HEX];

	lock_group_digest(lock, LOCK_GO, tree);
	hash_field(h, "artifact", "go-modules");
	hash_field(h, "format", PROGRAMS_FORMAT);
	hash_field(h, "tree", tree);
	hash_field(h, "name", c->name);
	hash_programs(h, c);
	if (locked) {
		CLEANUP(free_p) char *date = component_expand("{date}", locked->version, locked->date);
		gosum_print(locked, &sums);
		hash_field(h, "version", locked->version);
		hash_field(h, "date", date);
		hash_field(h, "go.mod", locked->go_mod);
		hash_field(h, "go.sum", sums.data);
	}
	hash_hex(h, ret_hex);
}

static bool is_missing(const struct gomod *g, const struct lock *lock, const struct component *c,
		       char ret_key[SHA256_HEX])
{
	if (c->source != COMPONENT_GO_MODULES)
		return false;
	gomod_key(c, lock, ret_key);
	return !cache_has(g->cache, "artifacts", ret_key);
}

static int fetch_all(const struct gomod *g, const struct lock *lock, struct go_tree *t, struct error *err)
{
	VEC(const struct lock_component *) list = { 0 };
	char key[SHA256_HEX];

	for (size_t i = 0; i < g->n; i++)
		if (is_missing(g, lock, &g->components[i], key))
			vec_push(&list, lock_component(lock, g->components[i].name));
	int rc = gomod_fetch(t, list.at, list.n, err);
	vec_done(&list);
	return rc;
}

static int compile_once(const struct gomod *g, const struct component *c, const struct lock *lock, const char *key,
			struct go_tree *t, struct error *err)
{
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	const struct lock_component *locked = lock_component(lock, c->name);

	if (cache_claim(g->cache, "artifacts", key, c->name, &claim, err) < 0 ||
	    (claim.needed && gomod_compile(t, c, locked, key, err) < 0))
		return error_wrap(err, "component %s %s", c->name, locked->version);
	return 0;
}

static int compile_all(const struct gomod *g, const struct lock *lock, struct go_tree *t, struct error *err)
{
	char key[SHA256_HEX];

	if (fetch_all(g, lock, t, err) < 0 || go_tree_keep_cache(t, err) < 0)
		return -1;
	if (!rootless_restricted()) {
		CLEANUP(free_p) char *modules = xasprintf("%s/" MODULE_CACHE, g->cache->path);
		sandbox_binds_add_read_only(&t->binds, modules, GOMOD_MODULES);
	}
	for (size_t i = 0; i < g->n; i++)
		if (is_missing(g, lock, &g->components[i], key) &&
		    compile_once(g, &g->components[i], lock, key, t, err) < 0)
			return -1;
	return 0;
}

int gomod_make_all(const struct gomod *g, const struct lock *lock, struct error *err)
{
	bool missing = false;
	char key[SHA256_HEX];

	for (size_t i = 0; i < g->n; i++) {
		const struct lock_component *locked = lock_component(lock, g->components[i].name);
		if (g->components[i].source == COMPONENT_GO_MODULES &&
		    (!locked || locked->source != COMPONENT_GO_MODULES))
			return error_set(err, ERROR_INPUT,
					 "the lock has no component %s from Go modules; run `nodekiln lock` again",
					 g->components[i].name);
		missing |= is_missing(g, lock, &g->components[i], key);
	}
	return missing ? gomod_in_tree(g, lock, compile_all, err) : 0;
}

int gomod_make(const struct component *c, const struct lock *lock, struct cache *cache,
	       void (*line)(void *context, const char *line), void *context, char **ret_directory, struct error *err)
{
	struct gomod g = { .components = c, .n = 1, .cache = cache, .line = line, .context = context };
	char key[SHA256_HEX];

	if (gomod_make_all(&g, lock, err) < 0)
		return -1;
	gomod_key(c, lock, key);
	*ret_directory = xasprintf("%s/artifacts/%s", cache->path, key);
	return 0;
}
