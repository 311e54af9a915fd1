/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documented keys of each file (NAME_schema.c) are those that its reader asks for: yaml_take() records them in the tree. The
 * documents here have every map, as the keys of an absent map are not asked for.
 */
#include "builder/component/component_internal.h"
#include "builder/component/component_schema.h"
#include "builder/deploy/cluster.h"
#include "builder/deploy/cluster_schema.h"
#include "builder/pve/target.h"
#include "builder/pve/target_schema.h"
#include "builder/recipe/recipe_internal.h"
#include "builder/recipe/recipe_schema.h"
#include "builder/seed/node_schema.h"
#include "lib/alloc.h"
#include "lib/node_config_schema.h"
#include "tests/unit/check.h"

#define PATH(prefix, key) (*(prefix) ? xasprintf("%s.%s", prefix, key) : xstrdup(key))

/* Paths of the keys that were asked for in and below node, which is at prefix; each once. */
static void add_asked(const struct yaml *node, const char *prefix, struct strings *ret)
{
	for (size_t i = 0; i < node->asked.n; i++) {
		CLEANUP(free_p) char *path = PATH(prefix, node->asked.at[i]);
		if (!strings_has(ret, path))
			strings_add(ret, path);
	}
	for (size_t i = 0; i < node->children; i++) {
		CLEANUP(free_p)
		char *path = node->kind == YAML_LIST ? xasprintf("%s[]", prefix) : PATH(prefix, node->child[i]->key);
		add_asked(node->child[i], path, ret);
	}
}

static char *joined(struct strings *list)
{
	struct text text = { 0 };

	strings_sort(list);
	for (size_t i = 0; i < list->n; i++)
		text_addf(&text, "%s\n", list->at[i]);
	return text_take(&text);
}

static char *keys_of(const struct schema *s)
{
	CLEANUP(strings_done) struct strings keys = { 0 };

	for (size_t i = 0; i < s->n; i++)
		strings_add(&keys, s->keys[i].path);
	return joined(&keys);
}

static char *asked_of(const struct yaml *tree)
{
	CLEANUP(strings_done) struct strings keys = { 0 };

	add_asked(tree, "", &keys);
	return joined(&keys);
}

static struct yaml *parse(const char *text)
{
	struct error err = { 0 };
	struct yaml *tree = NULL;

	if (yaml_parse("x.yaml", text, strlen(text), &tree, &err) < 0)
		printf("# %s\n", err.text);
	return tree;
}

TEST(schema_target_is_what_is_read)
{
	CLEANUP(yaml_node_free_p)
	struct yaml *tree = parse("url: https://pve\ntoken_id: n@pve!ci\ntoken_secret_env: X\n"
				  "nodes: [pve1, {name: pve2, storages: {disks: zfs}}]\n"
				  "storages: {import: local, vztmpl: local, disks: lvm}\nbridge: vmbr0\n"
				  "vmids: {from: 100, to: 200}\n");
	CLEANUP(target_done) struct target target = { 0 };
	struct error err = { 0 };

	CHECK_STR(target_read(tree, &target, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *asked = asked_of(tree);
	CLEANUP(free_p) char *keys = keys_of(&target_schema);
	CHECK_STR(asked, keys);
}

TEST(schema_cluster_is_what_is_read)
{
	static const char target[] = "target.";
	CLEANUP(yaml_node_free_p)
	struct yaml *tree =
		parse("cluster: lab\ntarget: {url: https://pve, token_id: n@pve!ci, token_secret_env: X,\n"
		      "  nodes: [pve1], storages: {import: l, vztmpl: l, disks: l}, pool: k, bridge: vmbr0}\n"
		      "template: x\nnodes:\n- {name: cp1, role: init}\n");
	CLEANUP(cluster_done) struct cluster cluster = { 0 };
	CLEANUP(strings_done) struct strings all = { 0 }, own = { 0 };
	struct error err = { 0 };

	CHECK_STR(cluster_read(tree, &cluster, &err) < 0 ? err.text : "", "");
	add_asked(tree, "", &all);
	for (size_t i = 0; i < all.n; i++)
		if (!text_starts(all.at[i], target))
			strings_add(&own, all.at[i]);
	CHECK(own.n < all.n);
	CLEANUP(free_p) char *asked = joined(&own);
	CLEANUP(free_p) char *keys = keys_of(&cluster_schema);
	CHECK_STR(asked, keys);
}

TEST(schema_recipe_is_what_is_read)
{
	CLEANUP(yaml_node_free_p)
	struct yaml *tree = parse("distribution: {}\ncomponents: {NAME: {}}\nrepositories: [{}]\nkubernetes: "
				  "{binaries: [{}]}\nagent: {}\nguest_agent: {}\n"
				  "packages: {}\noverlays: {}\nunits: {}\nimages: {}\ndisk: {}\n"
				  "outputs: {qcow2: {}, tarball: {}}\n");
	CLEANUP(recipe_done) struct recipe recipe;
	struct error err = { 0 };

	recipe_defaults(&recipe);
	CHECK_STR(recipe_read(tree, &recipe, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *asked = asked_of(tree);
	CLEANUP(free_p) char *keys = keys_of(&recipe_schema);
	CHECK_STR(asked, keys);
}

TEST(schema_component_is_what_is_read)
{
	CLEANUP(yaml_node_free_p)
	struct yaml *tree = parse("go-modules: {}\npackages: {}\nbinaries: {files: [{}]}\ndebian-source: {}\nc: {}\n"
				  "programs: [{}]\nimages: [{}]\nminors: {}\nfits: {}\n");
	CLEANUP(component_done) struct component c = { 0 };
	struct yaml *parts[1 + COMPONENT_SOURCES] = { 0 };
	struct error err = { 0 };

	CHECK_STR(component_read(tree, &c, parts, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *asked = asked_of(tree);
	CLEANUP(free_p) char *keys = keys_of(&component_schema);
	CHECK_STR(asked, keys);
}

TEST(schema_node_is_the_fields)
{
	CLEANUP(strings_done) struct strings fields = { 0 };

	for (size_t i = 0; i < node_config_fields_n; i++)
		strings_own(&fields, node_config_field_path(&node_config_fields[i]));
	CLEANUP(free_p) char *want = joined(&fields);
	CLEANUP(free_p) char *keys = keys_of(&node_schema);
	CHECK_STR(keys, want);
	for (size_t i = 0; i < node_schema.n; i++)
		for (size_t f = 0; f < node_config_fields_n; f++) {
			CLEANUP(free_p) char *path = node_config_field_path(&node_config_fields[f]);
			if (!strcmp(path, node_schema.keys[i].path))
				CHECK(node_config_fields[f].secret ==
				      text_starts(node_schema.keys[i].text, "SECRET. "));
		}
}

/* The examples of the manual pages are files that work. */
TEST(schema_examples_can_be_read)
{
	CLEANUP(target_done) struct target target = { 0 };
	CLEANUP(node_config_done) struct node_config node = { 0 };
	CLEANUP(yaml_node_free_p)
	struct yaml *recipe = parse(recipe_schema.example), *cluster = parse(cluster_schema.example);
	struct yaml *tree = NULL;
	struct error err = { 0 };

	CHECK_STR(target_parse("t", target_schema.example, strlen(target_schema.example), &target, &err) < 0 ? err.text
													     : "",
		  "");
	CHECK_STR(node_config_parse("n", node_schema.example, strlen(node_schema.example), &tree, &err) < 0 ? err.text
													    : "",
		  "");
	CHECK_STR(node_config_read(tree, &node, &err) < 0 ? err.text : "", "");
	CHECK(recipe && cluster && yaml_find(cluster, "nodes")->children == 2);
}
