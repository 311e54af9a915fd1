/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/lock_make.h"

#include <stdlib.h>
#include <string.h>

#include "builder/apt/package_request.h"
#include "builder/gomod/gomod.h"
#include "lib/alloc.h"

/* One lock that is being made. */
struct making {
	const struct recipe *recipe;
	const struct resolve_options *options;
	struct gomod modules;
	struct strings packages; /* of the tree with Go, that components need */
	char *go_package;        /* owned; of the tree in the lock */
	struct lock lock;
};

static void making_done(struct making *m)
{
	strings_done(&m->packages);
	free(m->go_package);
	lock_done(&m->lock);
}

bool lock_make_compiles(const struct recipe *recipe)
{
	return recipe_has_source(recipe, COMPONENT_GO_MODULES) || recipe_has_source(recipe, COMPONENT_C);
}

static int open_tree(struct making *m, const char *series, struct error *err)
{
	CLEANUP(free_p) char *package = NULL;

	if (resolve_go(m->recipe, m->options, series, &m->packages, m->modules.cache, &m->lock, &package, err) < 0)
		return -1;
	free(m->go_package);
	m->go_package = TAKE(package);
	return 0;
}

/* Asks again with the Go that a module needs, once for each newer one. */
static int lock_modules(struct making *m, struct error *err)
{
	for (;;) {
		CLEANUP(free_p) char *series = NULL, *before = xstrdup(m->go_package);
		if (gomod_lock(&m->modules, &m->lock, &series, err) == 0)
			return 0;
		if (!series)
			return -1;
		struct error why = *err;
		if (open_tree(m, series, err) < 0)
			return error_wrap(err, "%s", why.text);
		if (strcmp(before, m->go_package) == 0) {
			*err = why;
			return -1;
		}
	}
}

/* The Go of the lock is the oldest that all components can be compiled with: the one that they were tested with. */
static int fit_tree(struct making *m, struct error *err)
{
	CLEANUP(free_p) char *series = gomod_series(&m->lock);

	if (!series)
		return 0;
	if (open_tree(m, series, err) < 0)
		return -1;
	for (size_t i = 0; i < m->lock.components.n; i++) {
		struct lock_component *c = &m->lock.components.at[i];
		if (c->source != COMPONENT_GO_MODULES)
			continue;
		free(c->go_package);
		c->go_package = xstrdup(m->go_package);
	}
	return 0;
}

/* The version of a component that comes as packages is that of the first one which is pinned to it. */
static char *packaged_version(const struct making *m, const struct component *c)
{
	const struct strings *names = c->packages.versioned.n ? &c->packages.versioned : &c->packages.names;
	const struct lock_package *p = names->n ? lock_find(&m->lock, LOCK_BASE, names->at[0]) : NULL;

	return p ? package_request_upstream_version(p->version) : NULL;
}

/* The version of a component that is compiled from a source package. The newest package may have another one. */
static int compiled_version(const struct making *m, const struct component *c, char **ret, struct error *err)
{
	const struct lock_source *source = lock_source(&m->lock, c->name);
	CLEANUP(free_p) char *version = source ? package_request_upstream_version(source->version) : NULL;
	CLEANUP(free_p) char *minor = version ? component_minor(version) : NULL;

	if (!version)
		return error_set(err, ERROR_FAILED, "apt has found no source package of component %s", c->name);
	if (strcmp(version, c->version) != 0 && strcmp(minor, c->version) != 0)
		return error_set(err, ERROR_INPUT,
				 "the recipe requires %s %s, but its source package in the distribution's repositories "
				 "is %s; request %s, or choose another suite or source",
				 c->name, c->version, source->version, version);
	*ret = TAKE(version);
	return 0;
}

static int add_others(struct making *m, struct error *err)
{
	for (size_t i = 0; i < m->recipe->components.n; i++) {
		const struct component *c = &m->recipe->components.at[i];
		CLEANUP(free_p) char *version = NULL;
		if (c->source == COMPONENT_GO_MODULES)
			continue;
		if (c->source == COMPONENT_PACKAGES)
			version = packaged_version(m, c);
		if (c->source == COMPONENT_DEBIAN_SOURCE && compiled_version(m, c, &version, err) < 0)
			return -1;
		if (!version && !c->version)
			return error_set(err, ERROR_INPUT, "component %s has no version", c->name);
		vec_push(&m->lock.components,
			 (struct lock_component){ .name = xstrdup(c->name),
						  .version = version ? TAKE(version) : xstrdup(c->version),
						  .source = c->source });
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct lock_component *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void finish(struct making *m)
{
	struct lock *lock = &m->lock;

	if (lock->components.n)
		qsort(lock->components.at, lock->components.n, sizeof *lock->components.at, by_name);
	const struct lock_component *kubernetes = lock_component(lock, "kubernetes");
	if (kubernetes) {
		free(lock->kubernetes_version);
		lock->kubernetes_version = xstrdup(kubernetes->version);
	}
}

static int make_components(struct making *m, struct error *err)
{
	bool go = recipe_has_source(m->recipe, COMPONENT_GO_MODULES);

	for (size_t i = 0; i < m->recipe->components.n; i++)
		if (m->recipe->components.at[i].source == COMPONENT_GO_MODULES)
			strings_append(&m->packages, &m->recipe->components.at[i].go.packages);
	strings_sort(&m->packages);
	if (lock_make_compiles(m->recipe) && open_tree(m, NULL, err) < 0)
		return -1;
	if (go && (lock_modules(m, err) < 0 || fit_tree(m, err) < 0))
		return -1;
	return add_others(m, err);
}

int lock_make(const struct recipe *recipe, const struct resolve_options *options, struct cache *cache,
	      void (*line)(void *context, const char *line), void *context, struct lock *ret, struct error *err)
{
	CLEANUP(making_done) struct making m = { .recipe = recipe, .options = options };

	m.modules = (struct gomod){ .components = recipe->components.at,
				    .n = recipe->components.n,
				    .cache = cache,
				    .update = options->update,
				    .line = line,
				    .context = context };
	if (resolve(recipe, options, cache, &m.lock, err) < 0 || make_components(&m, err) < 0)
		return -1;
	finish(&m);
	*ret = TAKE(m.lock);
	return 0;
}
