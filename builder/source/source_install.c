/* SPDX-License-Identifier: Apache-2.0 */
/* Installs what the sources of a recipe give into a tree. */
#include <string.h>

#include "builder/source/program_install.h"
#include "builder/source/source.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"

/* Programs without a path are only in images. */
static int install_component(const struct source_programs *p, int rootfd, struct error *err)
{
	for (size_t i = 0; i < p->component->programs.n; i++) {
		const struct component_program *program = &p->component->programs.at[i];
		CLEANUP(free_p) char *from = xasprintf("%s/bin/%s", p->directory, program->name);
		if (program->path && program_install(from, rootfd, program->path, err) < 0)
			return error_wrap(err, "component %s", p->component->name);
	}
	return 0;
}

/* Packages of Kubernetes bring its units; other components bring theirs as overlays. */
static bool needs_units(const struct recipe *recipe)
{
	const struct component *kubernetes = recipe_component(recipe, "kubernetes");

	return kubernetes ? kubernetes->source != COMPONENT_PACKAGES : recipe->kubernetes.source == KUBERNETES_BINARIES;
}

int source_install(const struct recipe *recipe, const struct source_set *s, struct cache *cache, const char *root,
		   struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);

	if (rootfd < 0)
		return -1;
	for (size_t i = 0; i < s->programs.n; i++)
		if (install_component(&s->programs.at[i], rootfd, err) < 0)
			return -1;
	if (kubernetes_install_binaries(recipe, cache, rootfd, err) < 0)
		return -1;
	return needs_units(recipe) ? kubernetes_install_units(rootfd, err) : 0;
}

int source_paths(const struct recipe *recipe, const struct source_set *s, struct cache *cache, struct strings *ret,
		 struct error *err)
{
	for (size_t i = 0; s && i < s->programs.n; i++) {
		const struct component *c = s->programs.at[i].component;
		for (size_t k = 0; k < c->programs.n; k++)
			if (c->programs.at[k].path)
				strings_add(ret, c->programs.at[k].path);
	}
	if (needs_units(recipe))
		kubernetes_units_paths(ret);
	return kubernetes_binaries_paths(recipe, cache, ret, err);
}
