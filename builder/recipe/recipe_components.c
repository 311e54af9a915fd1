/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the components that a merged tree chooses, and puts their parts of a recipe below the recipe's own keys. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/validate.h"

#define COMPONENTS "components"

/* What a component may add to a recipe. */
static const char *const part_keys[] = { "packages", "overlays", "units", "repositories", "runtime", "images" };

bool recipe_component_is_off(const struct yaml *value)
{
	static const char *const words[] = { "", "null", "false" };

	for (size_t i = 0; value->kind == YAML_SCALAR && value->plain && i < ARRAY_SIZE(words); i++)
		if (strcmp(value->value, words[i]) == 0)
			return true;
	return false;
}

void recipe_components_expand(struct yaml *root)
{
	struct yaml *map = yaml_find(root, COMPONENTS);

	for (size_t i = 0; map && map->kind == YAML_MAP && i < map->children; i++) {
		struct yaml *value = map->child[i], *version;

		if (value->kind != YAML_SCALAR || recipe_component_is_off(value))
			continue;
		version = yaml_new_scalar(value->file, value->line, value->value);
		free(value->value);
		value->value = NULL;
		value->kind = YAML_MAP;
		yaml_add(value, "version", version);
	}
}

static void add_names(const char *directory, struct strings *ret)
{
	CLEANUP(closedir_p) DIR *dir = opendir(directory);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (text_ends(entry->d_name, ".yaml"))
			strings_own(ret, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml")));
}

static int unknown_component(const struct yaml *wanted, const char *own, const char *installed, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text list = { 0 };

	add_names(own, &names);
	add_names(installed, &names);
	strings_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		if (i == 0 || strcmp(names.at[i], names.at[i - 1]) != 0)
			text_addf(&list, "%s%s", list.len ? ", " : "", names.at[i]);
	return yaml_error(wanted, err,
			  "components: '%s' has no file %s.yaml in %s or %s; available: %s; add a file or remove the "
			  "component",
			  wanted->key, wanted->key, own, installed, list.len ? list.data : "none");
}

/* The directory of the component's file: components/ in the recipe's directory, else the installed one. Owned by the caller. */
static int find_directory(const char *recipe_file, const struct yaml *wanted, char **ret, struct error *err)
{
	CLEANUP(free_p) char *own = recipe_resolve_path(recipe_file, COMPONENTS);
	CLEANUP(free_p) char *installed = xasprintf("%s/recipes/" COMPONENTS, data_directory());
	CLEANUP(free_p) char *file = NULL, *installed_file = NULL;

	if (!filename_is_valid(wanted->key))
		return yaml_error(wanted, err, "components has '%s'; allowed: the name of a file NAME.yaml",
				  wanted->key);
	file = xasprintf("%s/%s.yaml", own, wanted->key);
	installed_file = xasprintf("%s/%s.yaml", installed, wanted->key);
	if (access(file, F_OK) == 0)
		*ret = TAKE(own);
	else if (access(installed_file, F_OK) == 0)
		*ret = TAKE(installed);
	else
		return unknown_component(wanted, own, installed, err);
	return 0;
}

static int check_part(const struct yaml *part, struct error *err)
{
	for (size_t i = 0; i < part->children; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(part_keys); k++)
			known |= strcmp(part->child[i]->key, part_keys[k]) == 0;
		if (!known)
			return yaml_error(part->child[i], err,
					  "unknown key '%s' in the recipe of a component; allowed here: packages, "
					  "overlays, units, repositories, runtime, images",
					  part->child[i]->key);
	}
	return 0;
}

/* Merges the parts of one component over base. */
static int merge_parts(struct yaml *base, struct yaml *parts, struct error *err)
{
	for (size_t i = 0; i < parts->children; i++) {
		struct yaml *part = parts->child[i];

		parts->child[i] = NULL;
		if (check_part(part, err) < 0) {
			yaml_node_free(part);
			return -1;
		}
		recipe_place_paths(part);
		if (recipe_merge(base, part, err) < 0)
			return -1;
	}
	return 0;
}

/* Loads one component and merges its parts over base. */
static int load_component(const char *recipe_file, struct yaml *wanted, struct yaml *base, struct recipe *ret,
			  struct error *err)
{
	CLEANUP(free_p) char *directory = NULL;
	CLEANUP(yaml_node_free_p) struct yaml *parts = NULL;
	struct component c = { 0 };

	if (find_directory(recipe_file, wanted, &directory, err) < 0 ||
	    component_load(directory, wanted->key, wanted, &c, &parts, err) < 0)
		return -1;
	vec_push(&ret->components, c);
	return merge_parts(base, parts, err);
}

static int load_components(const char *recipe_file, struct yaml *map, struct yaml *base, struct recipe *ret,
			   struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };

	for (size_t i = 0; i < map->children; i++)
		if (!recipe_component_is_off(map->child[i]))
			strings_add(&names, map->child[i]->key);
	strings_sort(
		&names); /* as recipe->components; so the result does not depend on the order in the recipe, either */
	for (size_t i = 0; i < names.n; i++)
		if (load_component(recipe_file, yaml_find(map, names.at[i]), base, ret, err) < 0)
			return -1;
	return 0;
}

/* The minors that the file names for another component, for an error. */
static char *list_fits(const struct component *c)
{
	struct text list = { 0 };

	for (size_t i = 0; i < c->fits.n; i++)
		text_addf(&list, "%s%s %s", i ? ", " : "", c->fits.at[i].component, c->fits.at[i].minor);
	return text_take(&list);
}

/* Chooses the versions `auto` by the other components. */
static int fit_versions(const struct yaml *map, struct recipe *r, struct error *err)
{
	for (size_t i = 0; i < r->components.n; i++) {
		struct component *c = &r->components.at[i];
		bool done = strcmp(c->version, COMPONENT_AUTO) != 0;

		for (size_t k = 0; !done && k < r->components.n; k++) {
			CLEANUP(free_p) char *minor = component_minor(r->components.at[k].version);

			done = component_fit(c, r->components.at[k].name, minor);
		}
		if (!done) {
			CLEANUP(free_p) char *known = list_fits(c);

			return yaml_error(yaml_find(map, c->name), err,
					  "components: no version of %s is known to fit (known: for %s); write one, "
					  "e.g. with --set components.%s=VERSION",
					  c->name, known, c->name);
		}
	}
	return 0;
}

/* base <- tree; *tree becomes base. What a file of the recipe replaces by `override`, it replaces here, too. */
static int merge_over(struct yaml *base, struct yaml **tree, const struct strings *overridden, struct error *err)
{
	struct yaml *list = yaml_new(YAML_LIST, (*tree)->file, (*tree)->line);

	for (size_t i = 0; i < overridden->n; i++)
		if (recipe_node(*tree, overridden->at[i], NULL))
			yaml_add(list, NULL, yaml_new_scalar((*tree)->file, (*tree)->line, overridden->at[i]));
	yaml_add(*tree, "override", list);
	return recipe_merge(base, TAKE(*tree), err);
}

int recipe_components(struct yaml **tree, const struct strings *overridden, struct recipe *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *base = yaml_new(YAML_MAP, ret->file, 1);
	struct yaml *map = yaml_find(*tree, COMPONENTS);

	if (!map)
		return 0;
	if (map->kind != YAML_MAP)
		return yaml_error(map, err, "'components' must be a map of names to versions");
	if (load_components(ret->file, map, base, ret, err) < 0 || fit_versions(map, ret, err) < 0 ||
	    merge_over(base, tree, overridden, err) < 0)
		return -1;
	*tree = TAKE(base);
	return 0;
}

static bool has_repository(const struct recipe *r, const struct repository *wanted)
{
	for (size_t i = 0; i < r->repositories.n; i++)
		if (text_same(r->repositories.at[i].url, wanted->url) &&
		    text_same(r->repositories.at[i].suite, wanted->suite))
			return true;
	return false;
}

static void add_repository(struct recipe *r, const struct component *c)
{
	const struct component_packages *p = &c->packages;
	struct repository repository = { 0 };

	if (!p->url)
		return;
	repository.url = component_expand(p->url, c->version, 0);
	repository.suite = xstrdup(p->suite);
	if (has_repository(r, &repository)) { /* e.g. two components of Docker's */
		free(repository.url);
		free(repository.suite);
		return;
	}
	strings_append(&repository.components, &p->components);
	repository.key_url = component_expand(p->key_url, c->version, 0);
	repository.key_fingerprint = xstrdup(p->key_fingerprint);
	vec_push(&r->repositories, repository);
}

/* The newest of the files whose version is the wanted one, or of the wanted minor. */
static const char *choose_release(const struct component *c)
{
	const char *best = NULL;
	int best_patch = -1;

	for (size_t i = 0; i < c->binaries.n; i++) {
		const char *version = c->binaries.at[i].version;
		CLEANUP(free_p) char *minor = component_minor(version);
		int a, b, patch;

		if (!kubernetes_release_parse(version, &a, &b, &patch) ||
		    (strcmp(version, c->version) != 0 && strcmp(minor, c->version) != 0) || patch <= best_patch)
			continue;
		best = version;
		best_patch = patch;
	}
	return best;
}

/* A file's version is also that of the component: nothing newer is known. */
static void add_binaries(struct recipe *r, struct component *c)
{
	const char *release = choose_release(c);

	for (size_t i = 0; release && i < c->binaries.n; i++) {
		const struct component_binary *from = &c->binaries.at[i];

		if (strcmp(from->version, release) == 0)
			vec_push(&r->kubernetes.binaries,
				 (struct binary){ .url = component_expand(from->url, release, 0),
						  .sha256 = xstrdup(from->sha256),
						  .path = xstrdup(from->path),
						  .member = xstrdup_or_null(from->member),
						  .archive = from->archive });
	}
	if (release) {
		char *version = xstrdup(release);

		free(c->version);
		c->version = version;
	}
}

void recipe_components_apply(struct recipe *r)
{
	for (size_t i = 0; i < r->components.n; i++) {
		struct component *c = &r->components.at[i];

		if (c->source == COMPONENT_PACKAGES)
			add_repository(r, c);
		if (c->source == COMPONENT_BINARIES)
			add_binaries(r, c);
	}
}
