/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"

#define GIB (1024ull * 1024 * 1024)

void recipe_defaults(struct recipe *r)
{
	*r = (struct recipe){
		.distribution = { .updates = true, .security = true },
		.disk = { .size = 4 * GIB, .bios = true, .uefi = true },
		.outputs = { .qcow2 = true, .tarball = true },
	};
	strings_add(&r->distribution.components, "main");
	r->distribution.keyring = xstrdup("/usr/share/keyrings/debian-archive-keyring.gpg");
	r->architecture = xstrdup("amd64");
	r->disk.filesystem = xstrdup("ext4");
}

/* The default name of a recipe: its file's name without .yaml or .yml. */
static char *name_of_file(const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');

	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")) ? xstrndup(base, (size_t)(dot - base))
								      : xstrdup(base);
}

int recipe_load_with(const char *name_or_path, const struct strings *overrides, struct recipe *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(recipe_done) struct recipe recipe;
	CLEANUP(strings_done) struct strings overridden = { 0 };

	recipe_defaults(&recipe);
	if (recipe_find(name_or_path, &recipe.file, err) < 0 ||
	    recipe_tree(recipe.file, overrides, &overridden, &tree, err) < 0 ||
	    recipe_components(&tree, &overridden, &recipe, err) < 0 || recipe_read(tree, &recipe, err) < 0)
		return -1;
	if (!recipe.name)
		recipe.name = name_of_file(recipe.file);
	if (recipe_check(&recipe, tree, err) < 0)
		return -1;
	*ret = TAKE(recipe);
	return 0;
}

int recipe_load(const char *name_or_path, struct recipe *ret, struct error *err)
{
	return recipe_load_with(name_or_path, NULL, ret, err);
}

static void repository_done(struct repository *r)
{
	free(r->url);
	free(r->suite);
	strings_done(&r->components);
	free(r->key_url);
	free(r->key_fingerprint);
	free(r->keyring);
}

static void binary_done(struct binary *b)
{
	free(b->url);
	free(b->sha256);
	free(b->path);
	free(b->member);
}

static void kubernetes_part_done(struct recipe *r)
{
	free(r->kubernetes.version);
	strings_done(&r->kubernetes.packages);
	for (size_t i = 0; i < r->kubernetes.binaries.n; i++)
		binary_done(&r->kubernetes.binaries.at[i]);
	vec_done(&r->kubernetes.binaries);
}

static void distribution_done(struct recipe *r)
{
	free(r->distribution.id);
	free(r->distribution.suite);
	free(r->distribution.mirror);
	free(r->distribution.security_mirror);
	strings_done(&r->distribution.components);
	free(r->distribution.keyring);
	free(r->distribution.variant);
}

const struct component *recipe_component(const struct recipe *recipe, const char *name)
{
	for (size_t i = 0; i < recipe->components.n; i++)
		if (strcmp(recipe->components.at[i].name, name) == 0)
			return &recipe->components.at[i];
	return NULL;
}

bool recipe_has_source(const struct recipe *recipe, enum component_source source)
{
	for (size_t i = 0; i < recipe->components.n; i++)
		if (recipe->components.at[i].source == source)
			return true;
	return false;
}

void recipe_life_warnings(const struct recipe *recipe, int64_t now, struct strings *ret)
{
	for (size_t i = 0; i < recipe->components.n; i++) {
		const struct component *c = &recipe->components.at[i];
		char *warning = component_life_warning(c, c->version, now);

		if (warning)
			strings_own(ret, warning);
	}
}

void recipe_done(struct recipe *r)
{
	free(r->name);
	free(r->file);
	free(r->description);
	free(r->warning);
	free(r->architecture);
	distribution_done(r);
	for (size_t i = 0; i < r->components.n; i++)
		component_done(&r->components.at[i]);
	vec_done(&r->components);
	for (size_t i = 0; i < r->repositories.n; i++)
		repository_done(&r->repositories.at[i]);
	vec_done(&r->repositories);
	kubernetes_part_done(r);
	for (int set = 0; set < SETS; set++) {
		strings_done(&r->packages[set]);
		strings_done(&r->overlays[set]);
		strings_done(&r->units[set]);
	}
	strings_done(&r->guest_agent.allow);
	strings_done(&r->extra_packages);
	strings_done(&r->images.archives);
	free(r->disk.filesystem);
	*r = (struct recipe){ 0 };
}
