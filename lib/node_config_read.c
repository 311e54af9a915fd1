/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tree into the struct, field by field of the table. */
#include <string.h>

#include "lib/alloc.h"
#include "lib/duration.h"
#include "lib/error.h"
#include "lib/macro.h"
#include "lib/node_config.h"
#include "lib/node_config_check.h"
#include "lib/node_config_schema.h"
#include "lib/redact.h"
#include "lib/text.h"
#include "lib/validate.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define ROLE_MISSING ((enum node_role) - 1)

static int invalid(const struct node_config_field *f, const struct yaml *where, const char *value, struct error *err)
{
	CLEANUP(free_p) char *path = node_config_field_path(f);

	if (f->secret || f->unshown)
		return yaml_error(where, err, "'%s' is invalid (its value is not shown); allowed: %s", path,
				  f->allowed);
	return yaml_error(where, err, "'%s' %s '%s'; allowed: %s%s", path, f->kind == FIELD_STRING ? "is" : "has",
			  value, f->allowed, validate_case_hint(f->is_valid, value));
}

/* Validates the value at `where`, which is in *text, and normalizes it. */
static int validate(const struct node_config_field *f, const struct yaml *where, char **text, struct error *err)
{
	if (f->is_valid && !f->is_valid(*text))
		return invalid(f, where, *text, err);
	if (f->normalize)
		f->normalize(text);
	return 0;
}

static int read_string(const struct node_config_field *f, struct yaml *map, char **to, struct error *err)
{
	if (yaml_take_string(map, f->key, to, err) < 0)
		return -1;
	return *to ? validate(f, yaml_find(map, f->key), to, err) : 0;
}

static int read_strings(const struct node_config_field *f, struct yaml *map, struct strings *to, struct error *err)
{
	const struct yaml *found = yaml_find(map, f->key);

	if (yaml_take_strings(map, f->key, to, err) < 0)
		return -1;
	for (size_t i = 0; i < to->n; i++)
		if (validate(f, found->children ? found->child[i] : found, &to->at[i], err) < 0)
			return -1;
	return 0;
}

static int read_pair(const struct node_config_field *f, const struct yaml *child, struct node_config_pairs *to,
		     struct error *err)
{
	if (child->kind != YAML_SCALAR)
		return yaml_error(child, err, "'%s' in '%s' must be a single value", child->key, f->key);
	if (!f->is_valid(child->key))
		return invalid(f, child, child->key, err);
	if (f->is_valid_value && !f->is_valid_value(child->value))
		return invalid(f, child, child->value, err);
	vec_push(to, (struct node_config_pair){ xstrdup(child->key), xstrdup(child->value) });
	return 0;
}

static int read_pairs(const struct node_config_field *f, struct yaml *map, struct node_config_pairs *to,
		      struct error *err)
{
	struct yaml *pairs;

	if (yaml_take_map(map, f->key, &pairs, err) < 0)
		return -1;
	for (size_t i = 0; pairs && i < pairs->children; i++)
		if (read_pair(f, yaml_take(pairs, pairs->child[i]->key), to, err) < 0)
			return -1;
	return 0;
}

static int read_duration(const struct node_config_field *f, struct yaml *map, long *to, struct error *err)
{
	CLEANUP(free_p) char *text = NULL;
	CLEANUP(free_p) char *path = node_config_field_path(f);
	char min[DURATION_TEXT], max[DURATION_TEXT];
	long seconds;

	if (yaml_take_string(map, f->key, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (!duration_parse(text, &seconds) || seconds < f->min || seconds > f->max)
		return yaml_error(yaml_find(map, f->key), err,
				  "'%s' is '%s'; allowed: a duration such as 90s, 30m, 1h30m, 7d, from %s to %s", path,
				  text, duration_text(f->min, min), duration_text(f->max, max));
	*to = seconds;
	return 0;
}

static int read_field(const struct node_config_field *f, struct yaml *map, struct node_config *node, struct error *err)
{
	void *to = node_config_field_at(f, node);

	switch (f->kind) {
	case FIELD_STRING:
		return read_string(f, map, to, err);
	case FIELD_STRINGS:
		return read_strings(f, map, to, err);
	case FIELD_PAIRS:
		return read_pairs(f, map, to, err);
	case FIELD_DURATION:
		return read_duration(f, map, to, err);
	case FIELD_NUMBER:
		return yaml_take_int(map, f->key, f->min, f->max, to, err);
	case FIELD_CHOICE:
		return yaml_take_choice(map, f->key, f->names, to, err);
	}
	return 0;
}

static int read_fields(struct yaml *tree, struct node_config *node, struct error *err)
{
	for (size_t i = 0; i < node_config_fields_n; i++) {
		const struct node_config_field *f = &node_config_fields[i];
		struct yaml *map = tree;

		if (f->section && yaml_take_map(tree, f->section, &map, err) < 0)
			return -1;
		if (read_field(f, map, node, err) < 0)
			return -1;
	}
	return yaml_check_all_taken(tree, err);
}

static void node_config_defaults(struct node_config *node)
{
	*node = (struct node_config){
		.role = ROLE_MISSING,
		.token_ttl = 24 * 3600,
		.timeout_rendezvous = 30 * 60,
		.timeout_kubeadm = 20 * 60,
		.timeout_ready = 10 * 60,
	};
}

static int read_and_check(struct node_config *node, struct error *err)
{
	if (read_fields(node->tree, node, err) < 0)
		return -1;
	if (node->role == ROLE_MISSING)
		return yaml_error(node->tree, err, "'role' is missing; allowed: init, control-plane, worker");
	node->taints_given = yaml_find(yaml_find(node->tree, "node"), "taints") != NULL;
	node->proxmox.given = node->proxmox.url != NULL;
	return node_config_check(node, err);
}

int node_config_read(struct yaml *tree, struct node_config *ret, struct error *err)
{
	CLEANUP(node_config_done) struct node_config node;

	node_config_defaults(&node);
	node.tree = tree;
	if (read_and_check(&node, err) < 0) {
		redact_secrets(err->text);
		return -1;
	}
	*ret = TAKE(node);
	return 0;
}
