/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_cloud.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/node_config.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define MARK "#cloud-config"
#define OURS "nodekiln seed" /* origin of our part of the tree, in messages */

/* The user's lists that are appended to ours. */
static const char *const added_lists[] = { "ssh_authorized_keys" };

static bool is_marked(const struct text *extra)
{
	size_t n = strlen(MARK);

	return extra->len > n && !memcmp(extra->data, MARK, n) && strchr(" \t\r\n", extra->data[n]);
}

static int check_files(const struct yaml *extra, struct error *err)
{
	const struct yaml *list = yaml_find(extra, "write_files");

	if (list && list->kind != YAML_LIST)
		return yaml_error(list, err, "'write_files' must be a list");
	for (size_t i = 0; list && i < list->children; i++) {
		const struct yaml *path = yaml_find(list->child[i], "path");

		if (path && path->kind == YAML_SCALAR && !strcmp(path->value, NODE_CONFIG_FILE))
			return yaml_error(path, err,
					  NODE_CONFIG_FILE " would take the place of what this seed holds; put these "
							   "keys into the node's own file");
	}
	return 0;
}

static int parse_extra(const char *file, const struct text *extra, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (!is_marked(extra))
		return error_set(err, ERROR_INPUT, "%s: user-data must be a cloud-config: its first line is " MARK,
				 file);
	if (yaml_parse_cloud_config(file, extra->data, extra->len, &tree, err) < 0)
		return -1;
	if (tree->kind == YAML_SCALAR && !*tree->value)
		return 0; /* nothing but comments */
	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "a cloud-config is a map");
	if (check_files(tree, err) < 0)
		return -1;
	*ret = TAKE(tree);
	return 0;
}

/* Appends the items of the user's list to ours; node_config_merge() does the rest. */
static void merge_lists(struct yaml *base, struct yaml *extra)
{
	for (size_t i = 0; i < ARRAY_SIZE(added_lists); i++) {
		struct yaml *ours = yaml_find(base, added_lists[i]), *theirs = yaml_find(extra, added_lists[i]);

		if (!ours || !theirs || theirs->kind != YAML_LIST)
			continue;
		for (size_t k = 0; k < theirs->children; k++)
			yaml_add(ours, NULL, theirs->child[k]);
		theirs->children = 0;
		yaml_node_free(yaml_remove(extra, added_lists[i]));
	}
}

int seed_cloud_config(const struct seed *seed, const char *extra_file, const struct text *extra, struct text *ret,
		      struct error *err)
{
	CLEANUP(text_done) struct text base = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL, *more = NULL;

	if (seed_user_data(seed, &base, err) < 0 || yaml_parse(OURS, base.data, base.len, &tree, err) < 0 ||
	    (extra && parse_extra(extra_file, extra, &more, err) < 0))
		return -1;
	if (more) {
		merge_lists(tree, more);
		node_config_merge(tree, TAKE(more));
	}
	text_add(ret, MARK "\n");
	yaml_print(tree, ret);
	return 0;
}
