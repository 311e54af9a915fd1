/* SPDX-License-Identifier: Apache-2.0 */
/* Creates, finds and compares nodes. */
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/yaml.h"

struct yaml *yaml_new(enum yaml_kind kind, const char *file, int line)
{
	struct yaml *node = xcalloc(1, sizeof *node);

	node->kind = kind;
	node->file = xstrdup(file);
	node->line = line;
	return node;
}

struct yaml *yaml_new_scalar(const char *file, int line, const char *value)
{
	struct yaml *node = yaml_new(YAML_SCALAR, file, line);

	node->value = xstrdup(value);
	node->plain = true;
	return node;
}

void yaml_node_free(struct yaml *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->children; i++)
		yaml_node_free(node->child[i]);
	free(node->child);
	free(node->file);
	free(node->key);
	wipe_free(node->value);
	strings_done(&node->asked);
	free(node);
}

void yaml_node_free_p(struct yaml **node)
{
	yaml_node_free(*node);
	*node = NULL;
}

void yaml_add(struct yaml *parent, const char *key, struct yaml *child)
{
	if (parent->children == parent->max) {
		parent->max = parent->max ? 2 * parent->max : 8;
		parent->child = xrealloc(parent->child, parent->max, sizeof *parent->child);
	}
	char *own = xstrdup_or_null(key); /* before the free: key may be child->key */
	free(child->key);
	child->key = own;
	parent->child[parent->children++] = child;
}

struct yaml *yaml_find(const struct yaml *node, const char *key)
{
	if (!node || node->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < node->children; i++)
		if (strcmp(node->child[i]->key, key) == 0)
			return node->child[i];
	return NULL;
}

struct yaml *yaml_remove(struct yaml *map, const char *key)
{
	struct yaml *found = yaml_find(map, key);
	size_t i = 0;

	if (!found)
		return NULL;
	while (map->child[i] != found)
		i++;
	map->children--;
	memmove(&map->child[i], &map->child[i + 1], (map->children - i) * sizeof *map->child);
	return found;
}

bool yaml_same(const struct yaml *a, const struct yaml *b)
{
	if (a->kind != b->kind || a->children != b->children)
		return false;
	if (a->kind == YAML_SCALAR)
		return a->binary == b->binary && strcmp(a->value, b->value) == 0;
	for (size_t i = 0; i < a->children; i++) {
		const struct yaml *other = a->kind == YAML_LIST ? b->child[i] : yaml_find(b, a->child[i]->key);

		if (!other || !yaml_same(a->child[i], other))
			return false;
	}
	return true;
}
