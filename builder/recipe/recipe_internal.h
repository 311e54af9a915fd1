/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The rooms of recipe.h, in the order in which a recipe passes them; nobody else includes this.
 *
 *	find -> tree (files, includes, --set) -> read (struct recipe) -> check (judged as a whole)
 */
#include "builder/recipe/recipe.h"
#include "lib/yaml.h"

#define RECIPE_INCLUDE_DEPTH_MAX 8
#define RECIPE_FILES_MAX 64 /* includes of includes multiply */

/* recipe.c: what a recipe gets without saying it */
void recipe_defaults(struct recipe *ret);

/* recipe_path.c */
/* The file of a recipe's name; ERROR_INPUT lists the names that there are. */
int recipe_find(const char *name_or_path, char **ret_file, struct error *err) MUST_CHECK;
/* name as seen from the directory of file; absolute names stay. */
char *recipe_beside(const char *file, const char *name) MUST_CHECK;
/* The reverse: path without file's directory in front, when it is there. Borrowed from path. */
const char *recipe_relative(const char *file, const char *path);

/* recipe_tree.c */
int recipe_tree(const char *file, const struct strings *overrides, struct yaml **ret, struct error *err) MUST_CHECK;
/* One KEY.KEY=VALUE over the tree; VALUE is YAML, so that lists can be given as [a, b]. */
int recipe_override(struct yaml *tree, const char *assignment, struct error *err) MUST_CHECK;

/* recipe_merge.c */
/* Puts over (taken from the caller, even on failure) over base: maps merge; the lists of things that go into the image add up,
 * unless over's `override` names them; everything else is replaced. */
int recipe_merge(struct yaml *base, struct yaml *over, struct error *err) MUST_CHECK;
/* The node at a dotted path ("repositories.0.url"); NULL when absent. *ret_nearest (may be NULL) is the last one on the way. */
const struct yaml *recipe_node(const struct yaml *tree, const char *path, const struct yaml **ret_nearest);

/* recipe_read.c: from the tree to the struct; ret->file must be set. Leftover keys are errors. */
int recipe_read(struct yaml *tree, struct recipe *ret, struct error *err) MUST_CHECK;

/* recipe_check.c: every rule that needs more than one value or more than its type. The tree tells file and line. */
int recipe_check(const struct recipe *recipe, const struct yaml *tree, struct error *err) MUST_CHECK;
struct recipe_judge {
	const struct recipe *recipe;
	const struct yaml *tree;
	struct error *err;
};
/* -1, and the sentence with the place of the value at path in front. */
int recipe_wrong(const struct recipe_judge *j, const char *path, const char *fmt, ...) PRINTF(3, 4);
int recipe_check_url(const struct recipe_judge *j, const char *path, const char *url) MUST_CHECK;
/* recipe_check_kubernetes.c */
int recipe_check_kubernetes(const struct recipe_judge *j) MUST_CHECK;
