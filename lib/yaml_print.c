/* SPDX-License-Identifier: Apache-2.0 */
/* Prints trees as text that reads back as the same tree, here and in other YAML parsers. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/yaml.h"

#define INDENT 2

static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

/* Characters that YAML parsers refuse: C0, DEL, C1, U+FFFE and U+FFFF. Returns the number of bytes of such a character at s, or
 * 0. */
static size_t unprintable(const unsigned char *s, unsigned *ret_code)
{
	if (s[0] < 0x20 || s[0] == 0x7f) {
		*ret_code = s[0];
		return 1;
	}
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) {
		*ret_code = s[1];
		return 2;
	}
	if (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe) {
		*ret_code = 0xff40u + s[2];
		return 3;
	}
	return 0;
}

void yaml_quote(const char *value, struct text *ret)
{
	const unsigned char *s = (const unsigned char *)value;

	text_add(ret, "\"");
	while (*s) {
		unsigned code;
		size_t n = unprintable(s, &code);

		if (*s == '\n')
			text_add(ret, "\\n");
		else if (n)
			text_addf(ret, "\\u%04X", code);
		else
			text_addf(ret, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
		s += n ? n : 1;
	}
	text_add(ret, "\"");
}

/* A plain scalar keeps its type (number, boolean, string) only without quotes. A scalar with other characters is a string
 * to every parser. */
static bool stays_plain(const struct yaml *node)
{
	return node->plain && node->value[strspn(node->value, safe)] == '\0' && node->value[0] != '-';
}

static bool is_negative_number(const char *s)
{
	return *s == '-' && s[1] && s[1 + strspn(s + 1, "0123456789._")] == '\0';
}

/* Text that a literal block holds unchanged: it ends with one newline, begins with neither space nor newline, and is printable
 * ASCII. */
static bool is_block(const char *s)
{
	size_t n = strlen(s);

	if (n < 2 || s[n - 1] != '\n' || s[n - 2] == '\n' || *s == ' ' || *s == '\n')
		return false;
	for (; *s; s++)
		if (*s != '\n' && (*s < ' ' || *s > '~'))
			return false;
	return true;
}

/* True when every parser reads the key as a string without quotes. */
static bool is_plain_key(const char *key)
{
	static const char *const truths[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(truths); i++)
		if (!strcasecmp(key, truths[i]))
			return false;
	return isalpha((unsigned char)*key) && key[strspn(key, safe)] == '\0';
}

static void add_key(const char *key, struct text *t)
{
	if (is_plain_key(key))
		text_add(t, key);
	else
		yaml_quote(key, t);
	text_add(t, ":");
}

static void add_indent(struct text *t, int level)
{
	text_addf(t, "%*s", level * INDENT, "");
}

static void add_block(const char *value, int level, struct text *t)
{
	text_add(t, " |\n");
	while (*value) {
		size_t n = strcspn(value, "\n");

		if (n)
			add_indent(t, level);
		text_addn(t, value, n + 1);
		value += n + 1;
	}
}

static void add_scalar(const struct yaml *node, int level, struct text *t)
{
	if (node->binary)
		text_add(t, " !!binary");
	if (!node->plain && is_block(node->value)) {
		add_block(node->value, level, t);
		return;
	}
	text_add(t, " ");
	if (node->plain && !*node->value)
		text_add(t, "~");
	else if (stays_plain(node) || (node->plain && is_negative_number(node->value)))
		text_add(t, node->value);
	else
		yaml_quote(node->value, t);
	text_add(t, "\n");
}

static void add_node(const struct yaml *node, int level, struct text *t);

/* A map in a list begins on the line of its dash: first is false there, as that line is indented already. */
static void add_children(const struct yaml *node, int level, bool first, struct text *t)
{
	for (size_t i = 0; i < node->children; i++) {
		const struct yaml *child = node->child[i];

		if (i || first)
			add_indent(t, level);
		if (node->kind == YAML_LIST)
			text_add(t, "-");
		else
			add_key(child->key, t);
		if (node->kind == YAML_LIST && child->children) {
			text_addf(t, "%*s", INDENT - 1, "");
			add_children(child, level + 1, false, t);
		} else {
			add_node(child, level + 1, t);
		}
	}
}

/* After a key's colon or a dash. */
static void add_node(const struct yaml *node, int level, struct text *t)
{
	if (node->kind == YAML_SCALAR) {
		add_scalar(node, level, t);
	} else if (!node->children) {
		text_add(t, node->kind == YAML_LIST ? " []\n" : " {}\n");
	} else {
		text_add(t, "\n");
		add_children(node, level, true, t);
	}
}

void yaml_print(const struct yaml *tree, struct text *ret)
{
	if (tree->children)
		add_children(tree, 0, true, ret);
	else
		add_node(tree, 1, ret);
}
