/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a tree by consuming it: see yaml.h. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/nearest.h"
#include "lib/yaml.h"

static const char *const kind_names[] = {
	[YAML_SCALAR] = "a single value",
	[YAML_LIST] = "a list",
	[YAML_MAP] = "a map (key: value)",
};

/* Errors quote text from the file, which must not move a terminal's cursor or begin a new line. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
}

int yaml_error(const struct yaml *node, struct error *err, const char *fmt, ...)
{
	CLEANUP(free_p) char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	make_printable(what);
	if (node->line == 0)
		return error_set(err, ERROR_INPUT, "%s: %s", node->file, what);
	return error_set(err, ERROR_INPUT, "%s:%d: %s", node->file, node->line, what);
}

struct yaml *yaml_take(struct yaml *map, const char *key)
{
	struct yaml *found;

	if (!map || map->kind != YAML_MAP)
		return NULL;
	if (!strings_has(&map->asked, key))
		strings_add(&map->asked, key);
	found = yaml_find(map, key);
	if (found)
		found->taken = true;
	return found;
}

/* 1: *ret is the child, of that kind; 0: absent; -1: of another kind. */
static int take_kind(struct yaml *map, const char *key, enum yaml_kind kind, struct yaml **ret, struct error *err)
{
	struct yaml *found = yaml_take(map, key);

	*ret = NULL;
	if (!found)
		return 0;
	if (found->kind != kind)
		return yaml_error(found, err, "'%s' must be %s, not %s", key, kind_names[kind],
				  kind_names[found->kind]);
	*ret = found;
	return 1;
}

int yaml_take_string(struct yaml *map, const char *key, char **ret, struct error *err)
{
	struct yaml *found;
	int there = take_kind(map, key, YAML_SCALAR, &found, err);

	if (there <= 0)
		return there;
	if (!*found->value)
		return yaml_error(found, err, "'%s' is empty; give it a value or leave the key out", key);
	free(*ret);
	*ret = xstrdup(found->value);
	return 0;
}

int yaml_take_bool(struct yaml *map, const char *key, bool *ret, struct error *err)
{
	struct yaml *found;
	int there = take_kind(map, key, YAML_SCALAR, &found, err);

	if (there <= 0)
		return there;
	if (!found->plain || (strcmp(found->value, "true") != 0 && strcmp(found->value, "false") != 0))
		return yaml_error(found, err, "'%s' is '%s'; allowed: true, false", key, found->value);
	*ret = found->value[0] == 't';
	return 0;
}

int yaml_take_int(struct yaml *map, const char *key, long min, long max, long *ret, struct error *err)
{
	struct yaml *found;
	int there = take_kind(map, key, YAML_SCALAR, &found, err);
	char *end;
	long n;

	if (there <= 0)
		return there;
	errno = 0;
	n = strtol(found->value, &end, 10);
	if (!*found->value || strspn(found->value, "-0123456789") != strlen(found->value) || *end || errno || n < min ||
	    n > max)
		return yaml_error(found, err, "'%s' is '%s'; allowed: a number from %ld to %ld", key, found->value, min,
				  max);
	*ret = n;
	return 0;
}

int yaml_take_size(struct yaml *map, const char *key, unsigned long long *ret, struct error *err)
{
	struct yaml *found;
	int there = take_kind(map, key, YAML_SCALAR, &found, err);

	if (there <= 0)
		return there;
	if (!text_size(found->value, ret))
		return yaml_error(found, err, "'%s' is '%s'; allowed: bytes as in 10G, 512M, 4096", key, found->value);
	return 0;
}

static int choice_error(const struct yaml *node, const char *key, const char *const *names, struct error *err)
{
	CLEANUP(text_done) struct text allowed = { 0 };

	for (size_t i = 0; names[i]; i++)
		text_addf(&allowed, "%s%s", i ? ", " : "", names[i]);
	return yaml_error(node, err, "'%s' is '%s'; allowed: %s", key, node->value, allowed.data);
}

int yaml_take_choice(struct yaml *map, const char *key, const char *const *names, int *ret, struct error *err)
{
	struct yaml *found;
	int there = take_kind(map, key, YAML_SCALAR, &found, err);

	if (there <= 0)
		return there;
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], found->value) == 0) {
			*ret = i;
			return 0;
		}
	}
	return choice_error(found, key, names, err);
}

static int add_item(const struct yaml *item, const char *key, struct strings *list, struct error *err)
{
	if (item->kind != YAML_SCALAR)
		return yaml_error(item, err, "every item of '%s' must be %s, not %s", key, kind_names[YAML_SCALAR],
				  kind_names[item->kind]);
	if (!*item->value)
		return yaml_error(item, err, "'%s' has an empty item; remove it", key);
	strings_add(list, item->value);
	return 0;
}

int yaml_take_strings(struct yaml *map, const char *key, struct strings *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings list = { 0 };
	struct yaml *found = yaml_take(map, key);

	if (!found)
		return 0;
	if (found->kind == YAML_MAP)
		return yaml_error(found, err, "'%s' must be %s, not %s", key, kind_names[YAML_LIST],
				  kind_names[YAML_MAP]);
	if (found->kind == YAML_SCALAR && add_item(found, key, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < found->children; i++)
		if (add_item(found->child[i], key, &list, err) < 0)
			return -1;
	strings_done(ret);
	*ret = TAKE(list);
	return 0;
}

int yaml_take_map(struct yaml *map, const char *key, struct yaml **ret, struct error *err)
{
	int there = take_kind(map, key, YAML_MAP, ret, err);

	return there < 0 ? there : 0;
}

int yaml_take_list(struct yaml *map, const char *key, struct yaml **ret, struct error *err)
{
	int there = take_kind(map, key, YAML_LIST, ret, err);

	return there < 0 ? there : 0;
}

static int unknown_key(const struct yaml *map, const struct yaml *child, struct error *err)
{
	CLEANUP(text_done) struct text allowed = { 0 };
	const char *near = nearest_word(child->key, &map->asked);

	text_add_list(&allowed, &map->asked);
	return yaml_error(child, err, "unknown key '%s'%s%s%s; allowed here: %s", child->key,
			  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
			  map->asked.n ? allowed.data : "none");
}

int yaml_check_all_taken(const struct yaml *node, struct error *err)
{
	for (size_t i = 0; i < node->children; i++) {
		const struct yaml *child = node->child[i];

		if (node->kind == YAML_MAP && !child->taken)
			return unknown_key(node, child, err);
		if (yaml_check_all_taken(child, err) < 0)
			return -1;
	}
	return 0;
}
