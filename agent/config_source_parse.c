/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that can hold a configuration. */
#include <stdlib.h>
#include <string.h>

#include "agent/config_source.h"
#include "lib/base64.h"
#include "lib/json.h"
#include "lib/redact.h"

#define META_DATA "cloud-init's meta-data" /* the origin named for values from instance-data.json */
#define KEY "nodekiln"

/* Line numbers of generated JSON would mislead, so they are dropped. A null is a key without a value
 * in the original YAML. */
static void forget_lines(struct yaml *node)
{
	node->line = 0;
	if (node->kind == YAML_SCALAR && node->plain && !strcmp(node->value, "null"))
		node->value[0] = '\0';
	for (size_t i = 0; i < node->children; i++)
		forget_lines(node->child[i]);
}

/* Takes ownership of tree. */
static int check_meta_data(struct yaml *tree, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *own = tree;

	if (own && own->kind != YAML_MAP)
		return yaml_error(own, err, "'" KEY "' in meta-data must be a map");
	if (own && node_config_refuse_secrets(own, err) < 0)
		return -1;
	*ret = TAKE(own);
	return 0;
}

int config_source_instance_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	CLEANUP(text_done) struct text part = { 0 };
	struct yaml *tree = NULL;
	const struct json *found;

	*ret = NULL;
	if (json_parse(file, text, len, &json, err) < 0)
		return -1;
	found = json_get(json_get(json_get(json, "ds"), "meta_data"), KEY);
	if (!found)
		return 0;
	/* JSON is also YAML. */
	json_print(found, false, &part);
	if (yaml_parse(META_DATA, part.data, part.len, &tree, err) < 0)
		return -1;
	forget_lines(tree);
	return check_meta_data(tree, ret, err);
}

int config_source_meta_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	*ret = NULL;
	if (yaml_parse(file, text, len, &tree, err) < 0)
		return -1;
	return check_meta_data(yaml_remove(tree, KEY), ret, err);
}

static const char *scalar(const struct yaml *map, const char *key)
{
	const struct yaml *found = yaml_find(map, key);

	return found && found->kind == YAML_SCALAR ? found->value : "";
}

/* The content of an entry of write_files; !!binary is base64 of it. */
static int read_binary(const struct yaml *entry, struct text *ret, struct error *err)
{
	const struct yaml *content = yaml_find(entry, "content");

	if (!content || !content->binary) {
		text_add(ret, scalar(entry, "content"));
		return 0;
	}
	if (!base64_decode(content->value, ret))
		return yaml_error(entry, err,
				  "the content of " NODE_CONFIG_FILE " is not valid base64, as !!binary says");
	return 0;
}

/* Decodes the content of one entry of write_files. */
static int read_content(const struct yaml *entry, struct text *ret, struct error *err)
{
	CLEANUP(text_wipe_done) struct text content = { 0 };
	const char *encoding = scalar(entry, "encoding");

	if (read_binary(entry, &content, err) < 0)
		return -1;

	if (!*encoding || !strcmp(encoding, "text/plain")) {
		text_addn(ret, content.data, content.len);
		return 0;
	}
	if (strcmp(encoding, "b64") && strcmp(encoding, "base64"))
		return yaml_error(entry, err,
				  "the encoding of " NODE_CONFIG_FILE
				  " is '%s'; without cloud-init it must be plain or b64",
				  encoding);
	if (!base64_decode(content.data ? content.data : "", ret))
		return yaml_error(entry, err, "the content of " NODE_CONFIG_FILE " is not valid base64");
	return 0;
}

static int read_entry(const char *file, const struct yaml *entry, struct yaml **ret, struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	CLEANUP(free_p) char *origin = xasprintf(NODE_CONFIG_FILE " in %s", file);
	int rc = read_content(entry, &content, err);

	if (rc == 0)
		rc = node_config_parse(origin, content.data ? content.data : "", content.len, ret, err);
	text_wipe(&content);
	return rc;
}

static bool is_cloud_config(const char *text, size_t len)
{
	static const char mark[] = "#cloud-config";
	size_t n = strlen(mark);

	return len > n && !memcmp(text, mark, n) && strchr(" \t\r\n", text[n]);
}

/* cloud-init writes the entries in order, so of several with one path the last is in effect. */
static const struct yaml *find_entry(const struct yaml *tree)
{
	const struct yaml *list = yaml_find(tree, "write_files"), *found = NULL;

	for (size_t i = 0; list && i < list->children; i++)
		if (!strcmp(scalar(list->child[i], "path"), NODE_CONFIG_FILE))
			found = list->child[i];
	return found;
}

int config_source_user_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	const struct yaml *entry;

	*ret = NULL;
	if (!is_cloud_config(text, len))
		return 0;
	if (yaml_parse_cloud_config(file, text, len, &tree, err) < 0) {
		redact_secrets(err->text);
		return -1;
	}
	entry = find_entry(tree);
	return entry ? read_entry(file, entry, ret, err) : 0;
}
