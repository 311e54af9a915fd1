/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the tree from libyaml's events. Recursion is limited by YAML_DEPTH_MAX. */
#include "lib/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/alloc.h"
#include "lib/macro.h"

#define BINARY_TAG "tag:yaml.org,2002:binary" /* !!binary */

static const char bom[] = "\xef\xbb\xbf"; /* editors of Windows write this mark in front of UTF-8 */

struct yaml_reader {
	const char *file; /* borrowed */
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	int depth;
	bool binary; /* !!binary is allowed */
	struct error *err;
};

/* libyaml frees its memory as it is, and the text may hold secrets: what it decodes is in two buffers, scalars in events and in tokens
 * that were not read. (It frees the first half of a scalar when it needs more space for it, which cannot be reached.) */
static void event_done(yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		explicit_bzero(event->data.scalar.value, event->data.scalar.length);
	yaml_event_delete(event);
}

static void reader_done(struct yaml_reader *r)
{
	yaml_parser_t *p = &r->parser;

	event_done(&r->event);
	for (yaml_token_t *t = p->tokens.head; t != p->tokens.tail; t++)
		if (t->type == YAML_SCALAR_TOKEN)
			explicit_bzero(t->data.scalar.value, t->data.scalar.length);
	explicit_bzero(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	yaml_parser_delete(p);
}

static int event_line(const struct yaml_reader *r)
{
	return (int)r->event.start_mark.line + 1;
}

static int reader_next(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->parser;

	event_done(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return 0;
	return error_set(r->err, ERROR_INPUT, "%s:%zu: invalid YAML: %s%s%s", r->file, p->problem_mark.line + 1,
			 p->context ? p->context : "", p->context ? ", " : "", p->problem ? p->problem : "unreadable");
}

static bool is_binary(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT && e->data.scalar.tag &&
	       !strcmp((const char *)e->data.scalar.tag, BINARY_TAG);
}

/* Refuses anchors, aliases and tags: see yaml.h. */
static int refuse_unsupported(const struct yaml_reader *r)
{
	const yaml_event_t *e = &r->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT)
		anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
	else if (e->type == YAML_MAPPING_START_EVENT)
		anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
	if (e->type == YAML_ALIAS_EVENT || anchor)
		return error_set(r->err, ERROR_INPUT, "%s:%d: anchors and aliases are not allowed; write the value out",
				 r->file, event_line(r));
	if (tag && !(r->binary && is_binary(e)))
		return error_set(r->err, ERROR_INPUT, "%s:%d: tags are not allowed; remove %s", r->file, event_line(r),
				 (const char *)tag);
	return 0;
}

static int check_items(const struct yaml_reader *r, const struct yaml *parent)
{
	if (parent->children < YAML_ITEMS_MAX)
		return 0;
	return error_set(r->err, ERROR_INPUT, "%s:%d: more than %d items", r->file, event_line(r), YAML_ITEMS_MAX);
}

static int read_node(struct yaml_reader *r, struct yaml **ret);

static int read_list(struct yaml_reader *r, struct yaml *list)
{
	for (;;) {
		struct yaml *item = NULL;

		if (reader_next(r) < 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (check_items(r, list) < 0 || read_node(r, &item) < 0)
			return -1;
		yaml_add(list, NULL, item);
	}
}

/* The current event must be a scalar that can be a key of map. */
static int read_key(struct yaml_reader *r, const struct yaml *map, char **ret)
{
	const yaml_event_t *e = &r->event;
	const char *key;

	if (refuse_unsupported(r) < 0)
		return -1;
	if (e->type != YAML_SCALAR_EVENT || is_binary(e))
		return error_set(r->err, ERROR_INPUT, "%s:%d: a key must be a plain word", r->file, event_line(r));
	key = (const char *)e->data.scalar.value;
	if (strlen(key) != e->data.scalar.length || !*key)
		return error_set(r->err, ERROR_INPUT, "%s:%d: a key must be a plain word", r->file, event_line(r));
	if (yaml_find(map, key))
		return error_set(r->err, ERROR_INPUT, "%s:%d: duplicate key '%s', first in line %d", r->file,
				 event_line(r), key, yaml_find(map, key)->line);
	*ret = xstrdup(key);
	return 0;
}

static int read_map(struct yaml_reader *r, struct yaml *map)
{
	for (;;) {
		CLEANUP(free_p) char *key = NULL;
		struct yaml *value = NULL;

		if (reader_next(r) < 0)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		int line = event_line(r);
		if (check_items(r, map) < 0 || read_key(r, map, &key) < 0 || reader_next(r) < 0 ||
		    read_node(r, &value) < 0)
			return -1;
		value->line = line;
		yaml_add(map, key, value);
	}
}

static int read_scalar(struct yaml_reader *r, struct yaml *node)
{
	const char *value = (const char *)r->event.data.scalar.value;

	if (strlen(value) != r->event.data.scalar.length)
		return error_set(r->err, ERROR_INPUT, "%s:%d: a value contains a NUL byte", r->file, event_line(r));
	node->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->binary = is_binary(&r->event);
	node->value = xstrdup(node->plain && strcmp(value, "~") == 0 ? "" : value);
	return 0;
}

/* The node that the current event starts. */
static int read_node(struct yaml_reader *r, struct yaml **ret)
{
	CLEANUP(yaml_node_free_p) struct yaml *node = yaml_new(YAML_SCALAR, r->file, event_line(r));
	int result = 0;

	if (refuse_unsupported(r) < 0)
		return -1;
	if (++r->depth > YAML_DEPTH_MAX)
		return error_set(r->err, ERROR_INPUT, "%s:%d: nested deeper than %d levels", r->file, event_line(r),
				 YAML_DEPTH_MAX);
	if (r->event.type == YAML_SEQUENCE_START_EVENT) {
		node->kind = YAML_LIST;
		result = read_list(r, node);
	} else if (r->event.type == YAML_MAPPING_START_EVENT) {
		node->kind = YAML_MAP;
		result = read_map(r, node);
	} else {
		result = read_scalar(r, node);
	}
	r->depth--;
	if (result == 0)
		*ret = TAKE(node);
	return result;
}

/* STREAM-START DOCUMENT-START node DOCUMENT-END STREAM-END; a stream without a document is an empty scalar. */
static int read_stream(struct yaml_reader *r, struct yaml **ret)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL;

	if (reader_next(r) < 0 || reader_next(r) < 0)
		return -1;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		root = yaml_new_scalar(r->file, 1, "");
	} else {
		if (reader_next(r) < 0 || read_node(r, &root) < 0)
			return -1;
		if (reader_next(r) < 0 || reader_next(r) < 0)
			return -1;
		if (r->event.type != YAML_STREAM_END_EVENT)
			return error_set(r->err, ERROR_INPUT, "%s:%d: a second document starts here; one per file",
					 r->file, event_line(r));
	}
	*ret = TAKE(root);
	return 0;
}

static int parse(const char *file, const char *text, size_t len, bool binary, struct yaml **ret, struct error *err)
{
	struct yaml_reader r = { .file = file, .err = err, .binary = binary };
	int result;

	if (len > YAML_SIZE_MAX)
		return error_set(err, ERROR_INPUT, "%s: %zu bytes of YAML; the limit is %d", file, len, YAML_SIZE_MAX);
	if (!yaml_parser_initialize(&r.parser))
		abort();
	/* libyaml takes the mark for the first line's content. */
	size_t mark = len >= sizeof bom - 1 && !memcmp(text, bom, sizeof bom - 1) ? sizeof bom - 1 : 0;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text + mark, len - mark);
	/* Without this call, a BOM could select UTF-16, which other programs would read as something else. */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	result = read_stream(&r, ret);
	reader_done(&r);
	return result;
}

int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	return parse(file, text, len, false, ret, err);
}

int yaml_parse_cloud_config(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
{
	return parse(file, text, len, true, ret, err);
}
