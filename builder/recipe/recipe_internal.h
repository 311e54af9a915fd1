/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stages of recipe_load(), in this order. Only recipe*.c and their tests include this header.
 *
 *	find -> tree (files, includes, --set) -> components (their parts below it) -> read (struct recipe)
 *	-> check (the recipe as a whole)
 */
#include "builder/recipe/recipe.h"
#include "lib/yaml.h"

#define RECIPE_INCLUDE_DEPTH_MAX 8
#define RECIPE_FILES_MAX 64 /* includes of includes multiply */

/* recipe.c: the default values */
void recipe_defaults(struct recipe *ret);

/* recipe_path.c */
/* The file of a recipe's name, owned by the caller; ERROR_INPUT lists the existing names. */
int recipe_find(const char *name_or_path, char **ret_file, struct error *err) MUST_CHECK;
/* Resolves name relative to the directory of file; absolute names are unchanged. Owned by the caller. */
char *recipe_resolve_path(const char *file, const char *name) MUST_CHECK;
/* The reverse: path without file's directory, if it starts with that. Borrowed from path. */
const char *recipe_relative(const char *file, const char *path);

/* recipe_tree.c: the merged tree of file, its includes and the overrides (--set; may be NULL). Adds to overridden the keys
 * that the files name in `override`. */
int recipe_tree(const char *file, const struct strings *overrides, struct strings *overridden, struct yaml **ret,
		struct error *err) MUST_CHECK;
/* Resolves the values below root that are paths, relative to the file that they are in. */
void recipe_place_paths(struct yaml *root);
/* Merges one KEY.KEY=VALUE over the tree; VALUE is YAML, so that lists can be given as [a, b]. */
int recipe_override(struct yaml *tree, const char *assignment, struct error *err) MUST_CHECK;

/* recipe_components.c */
/* Loads the tree's `components` into ret, sorted by name, and merges their parts below the tree, which is replaced. overridden:
 * from recipe_tree(). */
int recipe_components(struct yaml **tree, const struct strings *overridden, struct recipe *ret, struct error *err)
	MUST_CHECK;
/* Gives every component of a file's tree the form {version: ...}, so that versions and sources merge key by key. */
void recipe_components_expand(struct yaml *root);
/* Adds the repositories of components with the source packages, and the files of those with the source binaries. */
void recipe_components_apply(struct recipe *r);
/* True for `~`, null and false: a component that an include chose is left out. */
bool recipe_component_is_off(const struct yaml *value);

/* recipe_merge.c */
/* Merges over (consumed, even on failure) into base: maps are merged; lists of things that are installed in the image are
 * appended, unless over's `override` names them; everything else is replaced. */
int recipe_merge(struct yaml *base, struct yaml *over, struct error *err) MUST_CHECK;
/* The node at a dotted path ("repositories.0.url"); NULL when absent. *ret_nearest (ret_nearest may be NULL) is the deepest
 * node of the path that exists. */
const struct yaml *recipe_node(const struct yaml *tree, const char *path, const struct yaml **ret_nearest);

/* recipe_read.c: fills the struct from the tree; ret->file must be set. Unknown keys are errors. */
int recipe_read(struct yaml *tree, struct recipe *ret, struct error *err) MUST_CHECK;

/* recipe_check.c: every rule beyond the type of a single value. The tree provides file and line for messages. */
int recipe_check(const struct recipe *recipe, const struct yaml *tree, struct error *err) MUST_CHECK;
struct recipe_checker {
	const struct recipe *recipe;
	const struct yaml *tree;
	struct error *err;
};
/* Sets the error, prefixed with file and line of the value at path, and returns -1. */
int recipe_wrong(const struct recipe_checker *j, const char *path, const char *fmt, ...) PRINTF(3, 4);
int recipe_check_url(const struct recipe_checker *j, const char *path, const char *url) MUST_CHECK;
/* recipe_check_kubernetes.c */
int recipe_check_kubernetes(const struct recipe_checker *j) MUST_CHECK;
