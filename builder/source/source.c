/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/source.h"

#include <stdlib.h>
#include <string.h>

#include "builder/gomod/gomod.h"
#include "builder/source/c_programs.h"
#include "builder/source/component_images.h"
#include "lib/alloc.h"
#include "lib/macro.h"

/* As gomod_make() and c_programs_make(); NULL: nothing is made. */
static int (*const makers[COMPONENT_SOURCES])(const struct component *c, const struct lock *lock, struct cache *cache,
					      void (*line)(void *context, const char *line), void *context,
					      char **ret_directory, struct error *err) = {
	[COMPONENT_GO_MODULES] = gomod_make,
	[COMPONENT_PACKAGES] = NULL,
	[COMPONENT_BINARIES] = NULL,
	[COMPONENT_C] = c_programs_make,
};

static void programs_done(struct source_programs *p)
{
	free(p->version);
	free(p->directory);
}

static int make_component(const struct component *c, const struct lock *lock, struct cache *cache,
			  void (*line)(void *context, const char *line), void *context, struct source_set *ret,
			  struct error *err)
{
	const struct lock_component *locked = lock_component(lock, c->name);
	CLEANUP(programs_done) struct source_programs p = { .component = c };

	if (!makers[c->source])
		return 0;
	p.version = xstrdup(locked ? locked->version : c->version);
	p.date = locked ? locked->date : 0;
	if (makers[c->source](c, lock, cache, line, context, &p.directory, err) < 0)
		return -1;
	vec_push(&ret->programs, TAKE(p));
	return 0;
}

int source_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
		void (*line)(void *context, const char *line), void *context, struct source_set *ret, struct error *err)
{
	CLEANUP(source_done) struct source_set s = { 0 };

	struct gomod modules = { .components = recipe->components.at,
				 .n = recipe->components.n,
				 .cache = cache,
				 .line = line,
				 .context = context };

	/* In one tree what the cache lacks; the components then find it there. */
	if (gomod_make_all(&modules, lock, err) < 0)
		return -1;
	for (size_t i = 0; i < recipe->components.n; i++)
		if (make_component(&recipe->components.at[i], lock, cache, line, context, &s, err) < 0)
			return -1;
	if (kubernetes_make(recipe, lock, cache, line, context, &s.kubernetes, err) < 0)
		return -1;
	strings_append(&s.archives, &s.kubernetes.images);
	strings_append(&s.references, &s.kubernetes.references);
	if (component_images_make(recipe, lock, cache, &s, err) < 0)
		return -1;
	*ret = TAKE(s);
	return 0;
}

bool source_compiles(const struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->components.n; i++)
		if (makers[recipe->components.at[i].source])
			return true;
	return recipe->kubernetes.source == KUBERNETES_DEBIAN_SOURCE;
}

bool source_has_images(const struct recipe *recipe)
{
	size_t n = 0;

	for (size_t i = 0; i < recipe->components.n; i++)
		if (makers[recipe->components.at[i].source])
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
	kubernetes_done(&s->kubernetes);
	free(s->images);
	strings_done(&s->archives);
	strings_done(&s->references);
	strings_done(&s->image_tags);
	*s = (struct source_set){ 0 };
}
