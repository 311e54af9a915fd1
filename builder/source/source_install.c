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
static int install_units(const struct recipe *recipe, int rootfd, struct error *err)
{
	const struct component *kubernetes = recipe_component(recipe, "kubernetes");

	if (kubernetes ? kubernetes->source == COMPONENT_PACKAGES : recipe->kubernetes.source != KUBERNETES_BINARIES)
		return 0;
	return kubernetes_install_units(rootfd, err);
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
	return install_units(recipe, rootfd, err);
}
