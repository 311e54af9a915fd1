/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the struct as a document, field by field of the table. */
#include <stdbool.h>
#include <string.h>

#include "lib/duration.h"
#include "lib/node_config.h"
#include "lib/node_config_schema.h"
#include "lib/text.h"
#include "lib/yaml.h"

static void add_strings(struct text *t, const struct strings *list)
{
	text_add(t, "[");
	for (size_t i = 0; i < list->n; i++) {
		text_add(t, i ? ", " : "");
		yaml_quote(list->at[i], t);
	}
	text_add(t, "]");
}

static void add_pairs(struct text *t, const struct node_config_pairs *pairs)
{
	text_add(t, "{");
	for (size_t i = 0; i < pairs->n; i++) {
		text_add(t, i ? ", " : "");
		yaml_quote(pairs->at[i].key, t);
		text_add(t, ": ");
		yaml_quote(pairs->at[i].value, t);
	}
	text_add(t, "}");
}

/* Whether the field has a value: durations and choices always have one, if only the default. */
static bool has_value(const struct node_config_field *f, const struct node_config *node)
{
	const void *at = node_config_field_at(f, node);

	switch (f->kind) {
	case FIELD_STRING:
		return *(char *const *)at;
	case FIELD_STRINGS:
		return ((const struct strings *)at)->n || (at == &node->taints && node->taints_given);
	case FIELD_PAIRS:
		return ((const struct node_config_pairs *)at)->n;
	case FIELD_NUMBER:
		return *(const long *)at;
	case FIELD_DURATION:
	case FIELD_CHOICE:
		break;
	}
	return true;
}

static void add_value(const struct node_config_field *f, const struct node_config *node, bool with_secrets,
		      struct text *t)
{
	const void *at = node_config_field_at(f, node);
	char buffer[DURATION_TEXT];

	switch (f->kind) {
	case FIELD_STRING:
		yaml_quote(f->secret && !with_secrets ? "(hidden)" : *(char *const *)at, t);
		break;
	case FIELD_STRINGS:
		add_strings(t, at);
		break;
	case FIELD_PAIRS:
		add_pairs(t, at);
		break;
	case FIELD_NUMBER:
		text_addf(t, "%ld", *(const long *)at);
		break;
	case FIELD_DURATION:
		text_add(t, duration_text(*(const long *)at, buffer));
		break;
	case FIELD_CHOICE:
		text_add(t, f->names[*(const int *)at]);
		break;
	}
}

void node_config_print(const struct node_config *node, bool with_secrets, struct text *ret)
{
	const char *section = NULL;

	for (size_t i = 0; i < node_config_fields_n; i++) {
		const struct node_config_field *f = &node_config_fields[i];

		if (!has_value(f, node))
			continue;
		if (!text_same(f->section, section))
			text_addf(ret, "%s:\n", f->section);
		section = f->section;
		text_addf(ret, "%s%s: ", section ? "  " : "", f->key);
		add_value(f, node, with_secrets, ret);
		text_add(ret, "\n");
	}
}
