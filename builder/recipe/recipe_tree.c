/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of a recipe, merges its includes, and applies --set: the result is one tree. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/input.h"

struct recipe_loader {
	struct strings chain;       /* canonical paths of the files that are being read, outermost first */
	int files;                  /* number of files read so far */
	struct strings *overridden; /* borrowed */
};

static void recipe_loader_done(struct recipe_loader *l)
{
	strings_done(&l->chain);
}

/* Values that are paths, relative to the file they are in. Overlays are paths only with a '/', else names. */
static const struct {
	const char *map, *key;
	bool names_too;
} path_values[] = {
	{ "distribution", "keyring", false }, { "images", "archives", false }, { "overlays", "base", true },
	{ "overlays", "vm", true },           { "overlays", "lxc", true },
};

static void place_value(struct yaml *node, bool names_too)
{
	char *placed;

	if (node->kind != YAML_SCALAR || !*node->value || (names_too && !strchr(node->value, '/')))
		return;
	placed = recipe_resolve_path(node->file, node->value);
	free(node->value);
	node->value = placed;
}

static void place_values(struct yaml *node, bool names_too)
{
	place_value(node, names_too);
	for (size_t i = 0; node->kind == YAML_LIST && i < node->children; i++)
		place_value(node->child[i], names_too);
}

void recipe_place_paths(struct yaml *root)
{
	struct yaml *repositories = yaml_find(root, "repositories"), *keyring;

	for (size_t i = 0; i < ARRAY_SIZE(path_values); i++) {
		struct yaml *node = yaml_find(yaml_find(root, path_values[i].map), path_values[i].key);

		if (node)
			place_values(node, path_values[i].names_too);
	}
	for (size_t i = 0; repositories && repositories->kind == YAML_LIST && i < repositories->children; i++) {
		keyring = yaml_find(repositories->child[i], "keyring");
		if (keyring)
			place_value(keyring, false);
	}
}

static int read_file(const char *file, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL;
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(file, YAML_SIZE_MAX, &text, err) < 0)
		return -1;
	if (yaml_parse(file, text.data ? text.data : "", text.len, &root, err) < 0)
		return -1;
	if (root->kind != YAML_MAP)
		return yaml_error(root, err, "a recipe is a map of keys; this is %s",
				  root->kind == YAML_LIST ? "a list"
				  : *root->value          ? "a single value"
							  : "empty");
	recipe_place_paths(root);
	recipe_components_expand(root);
	*ret = TAKE(root);
	return 0;
}

static int load(struct recipe_loader *l, const char *file, const struct yaml *included_at, struct yaml **ret,
		struct error *err);

/* name is a path relative to the including file, or the name of a recipe in the data directory. */
static int find_included(const char *file, const struct yaml *included_at, const char *name, char **ret,
			 struct error *err)
{
	struct error why = { 0 };

	if (strchr(name, '/') || text_ends(name, ".yaml") || text_ends(name, ".yml")) {
		*ret = recipe_resolve_path(file, name);
		return 0;
	}
	if (recipe_find(name, ret, &why) < 0)
		return yaml_error(included_at, err, "include: %s", why.text);
	return 0;
}

/* Merges the files that root includes into *merged, from first to last. */
static int load_includes(struct recipe_loader *l, const char *file, struct yaml *root, struct yaml *merged,
			 struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *list = NULL;

	if (yaml_take_strings(root, "include", &names, err) < 0)
		return -1;
	list = yaml_remove(root, "include");
	for (size_t i = 0; i < names.n; i++) {
		const struct yaml *included_at = list->kind == YAML_LIST ? list->child[i] : list;
		CLEANUP(free_p) char *included = NULL;
		struct yaml *tree = NULL;

		if (find_included(file, included_at, names.at[i], &included, err) < 0 ||
		    load(l, included, included_at, &tree, err) < 0)
			return -1;
		/* It names the included recipe's artifacts, not ours. */
		yaml_node_free(yaml_remove(tree, "name"));
		if (recipe_merge(merged, tree, err) < 0)
			return -1;
	}
	return 0;
}

/* Checks that the file may be read. included_at: the including node (NULL: the command line), which messages about a missing
 * file, a cycle or an exceeded limit refer to. */
static int admit(struct recipe_loader *l, const char *file, const struct yaml *included_at, struct error *err)
{
	CLEANUP(free_p) char *canonical = realpath(file, NULL);

	if (!canonical && !included_at)
		return error_set(err, ERROR_INPUT, "recipe '%s': %m", file);
	if (!canonical)
		return yaml_error(included_at, err, "include: '%s': %m", file);
	if (strings_has(&l->chain, canonical))
		return yaml_error(included_at, err, "include: '%s' includes itself through this line", file);
	if (l->chain.n > RECIPE_INCLUDE_DEPTH_MAX)
		return yaml_error(included_at, err, "include: nested deeper than %d files", RECIPE_INCLUDE_DEPTH_MAX);
	if (l->files++ == RECIPE_FILES_MAX)
		return yaml_error(included_at, err, "include: more than %d files in one recipe", RECIPE_FILES_MAX);
	strings_add(&l->chain, canonical);
	return 0;
}

/* recipe_merge() checks the list. */
static void remember_overridden(struct recipe_loader *l, const struct yaml *root)
{
	const struct yaml *list = yaml_find(root, "override");

	if (list && list->kind == YAML_SCALAR)
		strings_add(l->overridden, list->value);
	for (size_t i = 0; list && list->kind == YAML_LIST && i < list->children; i++)
		if (list->child[i]->kind == YAML_SCALAR)
			strings_add(l->overridden, list->child[i]->value);
}

static int load(struct recipe_loader *l, const char *file, const struct yaml *included_at, struct yaml **ret,
		struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL;
	CLEANUP(yaml_node_free_p) struct yaml *merged = yaml_new(YAML_MAP, file, 1);

	if (admit(l, file, included_at, err) < 0 || read_file(file, &root, err) < 0 ||
	    load_includes(l, file, root, merged, err) < 0)
		return -1;
	remember_overridden(l, root);
	if (recipe_merge(merged, TAKE(root), err) < 0)
		return -1;
	free(l->chain.at[--l->chain.n]);
	*ret = TAKE(merged);
	return 0;
}

/* Values of the command line have no line number. */
static void forget_lines(struct yaml *node)
{
	node->line = 0;
	for (size_t i = 0; i < node->children; i++)
		forget_lines(node->child[i]);
}

int recipe_override(struct yaml *tree, const char *assignment, struct error *err)
{
	CLEANUP(free_p) char *where = xasprintf("--set %s", assignment);
	CLEANUP(strings_done) struct strings keys = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *value = NULL;
	const char *equals = strchr(assignment, '=');

	if (!equals || equals == assignment)
		return error_set(err, ERROR_USAGE, "%s: must be KEY.KEY=VALUE, e.g. --set disk.size=20G", where);
	if (yaml_parse(where, equals + 1, strlen(equals + 1), &value, err) < 0)
		return -1;
	forget_lines(value);
	for (const char *key = assignment; key < equals; key += strcspn(key, ".=") + 1)
		strings_own(&keys, xstrndup(key, strcspn(key, ".=")));
	if (strings_has(&keys, "") || keys.n > YAML_DEPTH_MAX || strcmp(keys.at[0], "include") == 0 ||
	    strcmp(keys.at[0], "override") == 0)
		return error_set(err, ERROR_USAGE, "%s: this key cannot be set here", where);
	for (size_t i = keys.n; i > 0; i--) {
		struct yaml *map = yaml_new(YAML_MAP, where, 0);

		yaml_add(map, keys.at[i - 1], TAKE(value));
		value = map;
	}
	recipe_components_expand(value);
	return recipe_merge(tree, TAKE(value), err);
}

int recipe_tree(const char *file, const struct strings *overrides, struct strings *overridden, struct yaml **ret,
		struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(recipe_loader_done) struct recipe_loader loader = { .overridden = overridden };

	if (load(&loader, file, NULL, &tree, err) < 0)
		return -1;
	for (size_t i = 0; overrides && i < overrides->n; i++)
		if (recipe_override(tree, overrides->at[i], err) < 0)
			return -1;
	*ret = TAKE(tree);
	return 0;
}
