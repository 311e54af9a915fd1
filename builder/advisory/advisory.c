/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a lock, and the entries that concern them. */
#include "builder/advisory/advisory.h"

#include <stdlib.h>
#include <string.h>

#include "builder/advisory/advisory_internal.h"
#include "builder/golang/go_version.h"
#include "lib/alloc.h"

static void add_module(struct advisories *a, const char *path, const char *version, const char *component)
{
	for (size_t i = 0; i < a->modules.n; i++) {
		struct advisory_module *m = &a->modules.at[i];

		if (strcmp(m->path, path) != 0 || strcmp(m->version, version) != 0)
			continue;
		if (!strings_has(&m->components, component))
			strings_add(&m->components, component);
		return;
	}
	vec_push(&a->modules, (struct advisory_module){ .path = xstrdup(path), .version = xstrdup(version) });
	strings_add(&a->modules.at[a->modules.n - 1].components, component);
}

static void add_go(struct advisories *a, const struct lock *lock, const struct lock_component *c)
{
	const struct lock_package *go = c->go_package ? lock_find(lock, LOCK_GO, c->go_package) : NULL;
	CLEANUP(free_p) char *version = go ? go_version_of_debian(go->version) : NULL;

	if (!version)
		return;
	add_module(a, "stdlib", version, c->name);
	add_module(a, "toolchain", version, c->name);
}

static int by_path(const void *a, const void *b)
{
	const struct advisory_module *m = a, *n = b;
	int c = strcmp(m->path, n->path);

	return c ? c : strcmp(m->version, n->version);
}

void advisories_modules(const struct lock *lock, struct advisories *ret)
{
	for (size_t i = 0; i < lock->components.n; i++) {
		const struct lock_component *c = &lock->components.at[i];

		if (c->source != COMPONENT_GO_MODULES)
			continue;
		add_go(ret, lock, c);
		/* Of the others only the go.mod is read. */
		for (size_t k = 0; k < c->modules.n; k++) {
			if (c->modules.at[k].sum)
				add_module(ret, c->modules.at[k].path, c->modules.at[k].version, c->name);
		}
	}
	if (ret->modules.n)
		qsort(ret->modules.at, ret->modules.n, sizeof *ret->modules.at, by_path);
}

void advisories_match(struct advisories *a, const struct osv *osv)
{
	for (size_t i = 0; i < a->modules.n; i++) {
		const struct advisory_module *m = &a->modules.at[i];
		struct advisory found = { 0 };
		const char *fixed;

		if (!osv_concerns(osv, m->path, m->version, &fixed))
			continue;
		found = (struct advisory){ .id = xstrdup(osv->id),
					   .summary = xstrdup(osv->summary),
					   .module = xstrdup(m->path),
					   .version = xstrdup(m->version),
					   .fixed = xstrdup_or_null(fixed) };
		strings_append(&found.aliases, &osv->aliases);
		strings_append(&found.components, &m->components);
		vec_push(&a->found, found);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct advisory *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	c = c ? c : strcmp(x->module, y->module);
	return c ? c : strcmp(x->version, y->version);
}

int advisories_find(const char *source, struct cache *cache, time_t today, struct advisories *ret, struct error *err)
{
	if (!ret->modules.n)
		return 0;
	if ((strstr(source, "://") ? advisories_read_url(source, cache, today, ret, err)
				   : advisories_read_directory(source, ret, err)) < 0)
		return error_wrap(err, "advisories");
	if (ret->found.n)
		qsort(ret->found.at, ret->found.n, sizeof *ret->found.at, by_id);
	return 0;
}

void advisories_report(const struct advisories *a, struct lock_diff *ret)
{
	for (size_t i = 0; i < a->found.n; i++) {
		const struct advisory *x = &a->found.at[i];
		struct lock_diff_item item = { .group = "modules",
					       .name = xstrdup(x->module),
					       .from = xstrdup(x->version),
					       .to = xstrdup_or_null(x->fixed),
					       .id = xstrdup(x->id),
					       .summary = xstrdup(x->summary),
					       .security = true };

		strings_append(&item.users, &x->components);
		vec_push(&ret->items, item);
	}
}

void advisories_done(struct advisories *a)
{
	for (size_t i = 0; i < a->modules.n; i++) {
		free(a->modules.at[i].path);
		free(a->modules.at[i].version);
		strings_done(&a->modules.at[i].components);
	}
	vec_done(&a->modules);
	for (size_t i = 0; i < a->found.n; i++) {
		struct advisory *x = &a->found.at[i];

		free(x->id);
		free(x->summary);
		free(x->module);
		free(x->version);
		free(x->fixed);
		strings_done(&x->aliases);
		strings_done(&x->components);
	}
	vec_done(&a->found);
}
