/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two recipes, with a line "%%" between them: the second is put over the first as if it included it, then the whole is read, checked
 * and printed. No file is touched. What passes must print the same after it was printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct yaml *parse(const char *text, size_t len)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL;
	struct error err = { 0 };

	if (yaml_parse("recipes/fuzz.yaml", text, len, &root, &err) < 0 || root->kind != YAML_MAP)
		return NULL;
	return TAKE(root);
}

static struct yaml *merged(const char *text, size_t len)
{
	static const char separator[] = "\n%%\n";
	const char *found = memmem(text, len, separator, strlen(separator));
	CLEANUP(yaml_node_free_p) struct yaml *base = parse(text, found ? (size_t)(found - text) : len);
	struct yaml *over;
	struct error err = { 0 };

	if (!base || !found)
		return TAKE(base);
	found += strlen(separator);
	over = parse(found, len - (size_t)(found - text));
	if (!over || recipe_merge(base, over, &err) < 0)
		return NULL;
	return TAKE(base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = merged((const char *)data, size);
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(json_free_p) struct json *json = NULL, *back = NULL;
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (!tree)
		return 0;
	recipe_defaults(&recipe);
	recipe.file = xstrdup("recipes/fuzz.yaml");
	if (recipe_read(tree, &recipe, &err) < 0)
		return 0;
	if (!recipe.name)
		recipe.name = xstrdup("fuzz");
	if (recipe_check(&recipe, tree, &err) < 0)
		return 0;
	json = recipe_json(&recipe);
	json_print(json, false, &text);
	if (json_parse("recipe", text.data, text.len, &back, &err) < 0)
		abort();
	return 0;
}
