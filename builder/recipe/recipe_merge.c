/* SPDX-License-Identifier: Apache-2.0 */
/* Merges one tree over another. Pure. The result is checked later, so a value of the wrong kind just replaces the old one,
 * and the error then names its own file and line. */
#include <stdlib.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"

/* Lists of things that are installed in an image: a recipe that includes another one extends these. All other lists are choices
 * (components, firmware), and a choice is replaced. */
static const char *const lists_that_add[] = {
	"packages.base",       "packages.vm",         "packages.lxc", "packages.extra",  "overlays.base",
	"overlays.vm",         "overlays.lxc",        "units.base",   "units.vm",        "units.lxc",
	"kubernetes.packages", "kubernetes.binaries", "repositories", "images.archives",
};

static bool list_adds(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists_that_add); i++)
		if (strcmp(lists_that_add[i], path) == 0)
			return true;
	return false;
}

/* Moves the content of over, with its file and line, into node; the key is the same. */
static void replace(struct yaml *node, struct yaml *over)
{
	struct yaml old = *node;

	*node = *over;
	*over = old;
	yaml_node_free(over);
}

/* A single value is equal to a list with one element. */
static void make_list(struct yaml *node)
{
	struct yaml *item, *list;

	if (node->kind != YAML_SCALAR)
		return;
	list = yaml_new(YAML_LIST, node->file, node->line);
	list->key = xstrdup_or_null(node->key);
	if (*node->value) {
		item = yaml_new_scalar(node->file, node->line, node->value);
		item->plain = node->plain;
		yaml_add(list, NULL, item);
	}
	replace(node, list);
}

static bool list_has(const struct yaml *list, const struct yaml *item)
{
	for (size_t i = 0; i < list->children; i++)
		if (yaml_same(list->child[i], item))
			return true;
	return false;
}

static void append(struct yaml *list, struct yaml *more)
{
	for (size_t i = 0; i < more->children; i++) {
		if (list_has(list, more->child[i]))
			yaml_node_free(more->child[i]);
		else
			yaml_add(list, NULL, more->child[i]);
	}
	more->children = 0;
	yaml_node_free(more);
}

static void merge_map(const struct strings *replaced, const char *path, struct yaml *base, struct yaml *over);

static void merge_child(const struct strings *replaced, const char *path, struct yaml *base, struct yaml *child)
{
	struct yaml *old = yaml_find(base, child->key);

	if (!old) {
		yaml_add(base, child->key, child);
	} else if (strings_has(replaced, path)) {
		replace(old, child);
	} else if (list_adds(path) && old->kind != YAML_MAP && child->kind != YAML_MAP) {
		make_list(old);
		make_list(child);
		append(old, child);
	} else if (old->kind == YAML_MAP && child->kind == YAML_MAP) {
		merge_map(replaced, path, old, child);
	} else {
		replace(old, child);
	}
}

static void merge_map(const struct strings *replaced, const char *path, struct yaml *base, struct yaml *over)
{
	for (size_t i = 0; i < over->children; i++) {
		CLEANUP(free_p) char *below = xasprintf("%s%s%s", path, *path ? "." : "", over->child[i]->key);

		merge_child(replaced, below, base, over->child[i]);
	}
	over->children = 0;
	/* errors about missing keys name the file that was merged last */
	free(base->file);
	base->file = TAKE(over->file);
	base->line = over->line;
	yaml_node_free(over);
}

const struct yaml *recipe_node(const struct yaml *tree, const char *path, const struct yaml **ret_nearest)
{
	CLEANUP(free_p) char *copy = xstrdup(path);
	const struct yaml *node = tree, *nearest = tree;
	char *rest = copy, *part;

	while (node && (part = strsep(&rest, "."))) {
		if (node->kind == YAML_LIST)
			node = strtoul(part, NULL, 10) < node->children ? node->child[strtoul(part, NULL, 10)] : NULL;
		else
			node = yaml_find(node, part);
		nearest = node ? node : nearest;
	}
	if (ret_nearest)
		*ret_nearest = nearest;
	return node;
}

/* Removes the `override` list from the tree. Each entry must name a key that the same file sets; otherwise it is a typo. */
static int take_replaced(struct yaml *over, struct strings *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *list = NULL;

	if (yaml_take_strings(over, "override", ret, err) < 0)
		return -1;
	list = yaml_remove(over, "override");
	for (size_t i = 0; i < ret->n; i++)
		if (!recipe_node(over, ret->at[i], NULL))
			return yaml_error(
				list, err,
				"'override' names '%s', which is not set in this file; set it (an empty list is [])",
				ret->at[i]);
	return 0;
}

int recipe_merge(struct yaml *base, struct yaml *over, struct error *err)
{
	CLEANUP(strings_done) struct strings replaced = { 0 };

	if (take_replaced(over, &replaced, err) < 0) {
		yaml_node_free(over);
		return -1;
	}
	merge_map(&replaced, "", base, over);
	return 0;
}
