/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of whatever text; a tree equals itself, and what is printed of it reads back as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cloud_config.h"
#include "lib/yaml.h"

#define KEY_SIMPLE                                                                                                     \
	120 /* YAML wants longer keys (1024 bytes with their escapes) marked, which yaml_print() does not do */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_long_key(const struct yaml *node)
{
	if (node->key && strlen(node->key) > KEY_SIMPLE)
		return true;
	for (size_t i = 0; i < node->children; i++)
		if (has_long_key(node->child[i]))
			return true;
	return false;
}

static void check_printed(const struct yaml *root)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *again = NULL;
	struct error err = { 0 };

	yaml_print(root, &text);
	if (text.len > YAML_SIZE_MAX || has_long_key(root))
		return;
	if (yaml_parse_cloud_config("printed", text.data, text.len, &again, &err) < 0 || !yaml_same(root, again))
		abort();
}

/* As a cloud-config with its own lists of modules: a finding is one of its keys. */
static void check_cloud_config(const struct yaml *root)
{
	CLEANUP(cloud_modules_done) struct cloud_modules modules = { 0 };
	CLEANUP(cloud_findings_done) struct cloud_findings found = { 0 };

	cloud_modules_read(root, &modules);
	cloud_config_check(root, &modules, &found);
	for (size_t i = 0; i < found.list.n; i++)
		if (yaml_find(root, found.list.at[i].at->key) != found.list.at[i].at)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL, *strict = NULL;
	struct error err = { 0 };

	if (yaml_parse_cloud_config("fuzz", (const char *)data, size, &root, &err) < 0)
		return 0;
	if (yaml_parse("fuzz", (const char *)data, size, &strict, &err) == 0 && !yaml_same(root, strict))
		abort();
	if (!yaml_same(root, root))
		abort();
	check_printed(root);
	check_cloud_config(root);
	if (root->children && root->kind == YAML_MAP && yaml_check_all_taken(root, &err) == 0)
		abort();
	return 0;
}
