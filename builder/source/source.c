/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/source.h"

#include <stdlib.h>
#include <string.h>

#include "builder/gomod/gomod.h"
#include "builder/lock/lock_fetch.h"
#include "builder/source/c_programs.h"
#include "builder/source/component_images.h"
#include "builder/source/debian_source.h"
#include "lib/alloc.h"
#include "lib/macro.h"

/* What a source gets to make programs. */
struct source_making {
	const struct recipe *recipe;
	const struct lock *lock;
	struct cache *cache;
	void (*line)(void *context, const char *line);
	void *context;
};

static int make_go(const struct source_making *m, const struct component *c, char **ret_directory, struct error *err)
{
	return gomod_make(c, m->lock, m->cache, m->line, m->context, ret_directory, err);
}

static int make_debian(const struct source_making *m, const struct component *c, char **ret_directory,
		       struct error *err)
{
	return debian_source_make(m->recipe, c, m->lock, m->cache, m->line, m->context, ret_directory, err);
}

static int make_c(const struct source_making *m, const struct component *c, char **ret_directory, struct error *err)
{
	return c_programs_make(c, m->lock, m->cache, m->line, m->context, ret_directory, err);
}

/* make: *ret_directory, absolute and owned by the caller, has bin/NAME; NULL: nothing is made. images: adds the archives that
 * are made with the programs; NULL: component_images.c packs the programs that the component's file names. */
static const struct source_kind {
	int (*make)(const struct source_making *m, const struct component *c, char **ret_directory, struct error *err);
	int (*images)(const struct recipe *recipe, const char *directory, struct strings *ret_archives,
		      struct strings *ret_references, struct error *err);
} sources[COMPONENT_SOURCES] = {
	[COMPONENT_GO_MODULES] = { make_go, NULL }, [COMPONENT_PACKAGES] = { NULL, NULL },
	[COMPONENT_BINARIES] = { NULL, NULL },      [COMPONENT_DEBIAN_SOURCE] = { make_debian, debian_source_images },
	[COMPONENT_C] = { make_c, NULL },
};

static void programs_done(struct source_programs *p)
{
	free(p->version);
	free(p->directory);
}

static int make_component(const struct source_making *m, const struct component *c, struct source_set *ret,
			  struct error *err)
{
	const struct source_kind *source = &sources[c->source];
	const struct lock_component *locked = lock_component(m->lock, c->name);
	CLEANUP(programs_done) struct source_programs p = { .component = c };

	if (!source->make)
		return 0;
	p.version = xstrdup(locked ? locked->version : c->version);
	p.date = locked ? locked->date : 0;
	if (source->make(m, c, &p.directory, err) < 0)
		return -1;
	if (source->images && source->images(m->recipe, p.directory, &ret->archives, &ret->references, err) < 0)
		return -1;
	vec_push(&ret->programs, TAKE(p));
	return 0;
}

int source_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
		void (*line)(void *context, const char *line), void *context, struct source_set *ret, struct error *err)
{
	CLEANUP(source_done) struct source_set s = { 0 };
	const struct source_making m = { recipe, lock, cache, line, context };
	struct gomod modules = { .components = recipe->components.at,
				 .n = recipe->components.n,
				 .cache = cache,
				 .line = line,
				 .context = context };

	/* In one tree what the cache lacks; the components then find it there. */
	if (gomod_make_all(&modules, lock, err) < 0)
		return -1;
	for (size_t i = 0; i < recipe->components.n; i++)
		if (make_component(&m, &recipe->components.at[i], &s, err) < 0)
			return -1;
	if ((recipe->kubernetes.binaries.n && lock_fetch_files(&lock->binaries, cache, err) < 0) ||
	    component_images_make(recipe, lock, cache, &s, err) < 0)
		return -1;
	*ret = TAKE(s);
	return 0;
}

bool source_compiles(const struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->components.n; i++)
		if (sources[recipe->components.at[i].source].make)
			return true;
	return false;
}

bool source_packs_images(const struct component *c)
{
	return sources[c->source].make && !sources[c->source].images;
}

bool source_has_images(const struct recipe *recipe)
{
	size_t n = 0;

	for (size_t i = 0; i < recipe->components.n; i++)
		if (source_packs_images(&recipe->components.at[i]))
			n += recipe->components.at[i].images.n;
	return n && recipe->runtime != RUNTIME_NONE;
}

const struct source_programs *source_programs(const struct source_set *s, const char *component)
{
	for (size_t i = 0; i < s->programs.n; i++)
		if (!strcmp(s->programs.at[i].component->name, component))
			return &s->programs.at[i];
	return NULL;
}

const char *source_programs_key(const struct source_programs *p)
{
	const char *slash = strrchr(p->directory, '/');

	return slash ? slash + 1 : p->directory;
}

const char *source_of_kubernetes(const struct recipe *recipe)
{
	const struct component *c = recipe_component(recipe, "kubernetes");

	return c ? component_source_names[c->source] : kubernetes_source_names[recipe->kubernetes.source];
}

const char *source_kubernetes_version(const struct lock *lock)
{
	const struct lock_component *c = lock_component(lock, "kubernetes");

	return c ? c->version : lock->kubernetes_version;
}

void source_done(struct source_set *s)
{
	for (size_t i = 0; i < s->programs.n; i++)
		programs_done(&s->programs.at[i]);
	vec_done(&s->programs);
	free(s->images);
	strings_done(&s->archives);
	strings_done(&s->references);
	strings_done(&s->image_tags);
	*s = (struct source_set){ 0 };
}
