/* SPDX-License-Identifier: Apache-2.0 */
/* Merges documents, finds secrets and origins, and frees a node's configuration. */
#include "lib/node_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/node_config_schema.h"
#include "lib/redact.h"
#include "lib/text.h"
#include "lib/vec.h"

const char *const node_config_secret_keys[] = {
	"token",           "certificate_key",        "proxmox.token_secret",    "pki.key", "pki.ca_key",
	"pki.etcd_ca_key", "pki.front_proxy_ca_key", "pki.service_account_key", NULL,
};

int node_config_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (yaml_parse(file, text, len, &tree, err) < 0) {
		redact_secrets(err->text);
		return -1;
	}
	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "a node's configuration is a map that begins with `cluster:` and `role:`");
	*ret = TAKE(tree);
	return 0;
}

/* A merged map takes the place of the last document: a message about a missing key names that file. */
static void move_place(struct yaml *to, const struct yaml *from)
{
	free(to->file);
	to->file = xstrdup(from->file);
	to->line = from->line;
}

static void merge(struct yaml *base, struct yaml *over)
{
	move_place(base, over);
	while (over->children) {
		struct yaml *child = yaml_remove(over, over->child[0]->key), *old = yaml_find(base, child->key);

		if (old && old->kind == YAML_MAP && child->kind == YAML_MAP) {
			merge(old, child);
			yaml_node_free(child);
			continue;
		}
		yaml_node_free(yaml_remove(base, child->key));
		yaml_add(base, child->key, child);
	}
}

void node_config_merge(struct yaml *base, struct yaml *over)
{
	merge(base, over);
	yaml_node_free(over);
}

static const struct yaml *find_secret(const struct yaml *tree, const struct node_config_field **ret)
{
	for (size_t i = 0; i < node_config_fields_n; i++) {
		const struct yaml *found =
			node_config_fields[i].secret ? node_config_field_find(&node_config_fields[i], tree) : NULL;

		*ret = &node_config_fields[i];
		if (found)
			return found;
	}
	return NULL;
}

bool node_config_holds_secrets(const struct yaml *tree)
{
	const struct node_config_field *f;

	return find_secret(tree, &f);
}

int node_config_refuse_secrets(const struct yaml *tree, struct error *err)
{
	const struct node_config_field *f;
	const struct yaml *found = find_secret(tree, &f);
	CLEANUP(free_p) char *path = found ? node_config_field_path(f) : NULL;

	if (!found)
		return 0;
	return yaml_error(found, err,
			  "'%s' is a secret, and every process in the guest can read meta-data; put it into user-data: "
			  "write_files with path " NODE_CONFIG_FILE ", owner root:root and permissions '0600'",
			  path);
}

const char *node_config_origin(const struct node_config *node, const char *key)
{
	static char origin[256];

	for (size_t i = 0; i < node_config_fields_n; i++) {
		CLEANUP(free_p) char *path = node_config_field_path(&node_config_fields[i]);
		const struct yaml *found =
			strcmp(path, key) ? NULL : node_config_field_find(&node_config_fields[i], node->tree);

		if (!found)
			continue;
		if (found->line)
			snprintf(origin, sizeof origin, "%s:%d", found->file, found->line);
		else
			snprintf(origin, sizeof origin, "%s", found->file);
		return origin;
	}
	return "the default";
}

static void pairs_done(struct node_config_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->at[i].key);
		free(pairs->at[i].value);
	}
	vec_done(pairs);
}

static void field_done(const struct node_config_field *f, struct node_config *node)
{
	void *at = node_config_field_at(f, node);

	switch (f->kind) {
	case FIELD_STRING:
		wipe_free(*(char **)at);
		break;
	case FIELD_STRINGS:
		strings_done(at);
		break;
	case FIELD_PAIRS:
		pairs_done(at);
		break;
	case FIELD_DURATION:
	case FIELD_NUMBER:
	case FIELD_CHOICE:
		break;
	}
}

const char *node_config_pair_value(const struct node_config_pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!strcmp(pairs->at[i].key, key))
			return pairs->at[i].value;
	return NULL;
}

void node_config_done(struct node_config *node)
{
	for (size_t i = 0; i < node_config_fields_n; i++)
		field_done(&node_config_fields[i], node);
	yaml_node_free(node->tree);
	*node = (struct node_config){ 0 };
}
