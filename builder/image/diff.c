/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/diff.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

void diff_add(struct diff_list *list, char *path)
{
	vec_push(&list->entries, (struct diff_entry){ .path = path });
}

void diff_fact(struct diff_list *list, const char *name, const char *fmt, ...)
{
	struct diff_entry *entry = &list->entries.at[list->entries.n - 1];
	char *value = NULL;
	va_list args;

	va_start(args, fmt);
	value = xvasprintf(fmt, args);
	va_end(args);
	vec_push(&entry->facts, (struct diff_fact){ .name = xstrdup(name), .value = value });
}

static int by_path(const void *a, const void *b)
{
	const struct diff_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void diff_sort(struct diff_list *list)
{
	if (list->entries.n)
		qsort(list->entries.at, list->entries.n, sizeof *list->entries.at, by_path);
}

void diff_list_done(struct diff_list *list)
{
	for (size_t i = 0; i < list->entries.n; i++) {
		struct diff_entry *entry = &list->entries.at[i];
		for (size_t f = 0; f < entry->facts.n; f++) {
			free(entry->facts.at[f].name);
			free(entry->facts.at[f].value);
		}
		vec_done(&entry->facts);
		free(entry->path);
	}
	vec_done(&list->entries);
}

static const char *value_of(const struct diff_entry *entry, const char *name)
{
	for (size_t i = 0; entry && i < entry->facts.n; i++)
		if (!strcmp(entry->facts.at[i].name, name))
			return entry->facts.at[i].value;
	return NULL;
}

/* Adds the facts of `of` whose values differ, in its order; lacking: only those that `before` does not have. */
static void add_facts(const struct diff_entry *of, const struct diff_entry *before, const struct diff_entry *after,
		      bool lacking, struct diff_change *change)
{
	for (size_t i = 0; of && i < of->facts.n; i++) {
		const char *name = of->facts.at[i].name;
		const char *from = value_of(before, name), *to = value_of(after, name);
		if (lacking ? !from : !text_same(from, to))
			vec_push(&change->facts, (struct diff_delta){ name, from, to });
	}
}

/* Either may be NULL. */
static void compare(const struct diff_entry *before, const struct diff_entry *after, struct diff *ret)
{
	struct diff_change change = { .kind = !after    ? DIFF_REMOVED
					      : !before ? DIFF_ADDED
							: DIFF_CHANGED,
				      .path = before ? before->path : after->path };

	add_facts(before, before, after, false, &change);
	add_facts(after, before, after, true, &change);
	if (change.kind == DIFF_CHANGED && !change.facts.n)
		return;
	vec_push(&ret->changes, change);
}

/* Facts that change no content. */
static bool is_about_file(const char *fact)
{
	static const char *const names[] = { "mode", "owner", "time", "attributes" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(fact, names[i]))
			return true;
	return false;
}

static bool is_content(const struct diff_change *change)
{
	for (size_t i = 0; i < change->facts.n; i++)
		if (change->kind != DIFF_CHANGED || !is_about_file(change->facts.at[i].name))
			return true;
	return !change->facts.n;
}

static int by_weight(const void *a, const void *b)
{
	const struct diff_change *x = a, *y = b;
	int order = (int)is_content(y) - (int)is_content(x);

	return order ? order : strcmp(x->path, y->path);
}

void diff_compare(const struct diff_list *before, const struct diff_list *after, struct diff *ret)
{
	size_t i = 0, k = 0;

	while (i < before->entries.n || k < after->entries.n) {
		const struct diff_entry *a = i < before->entries.n ? &before->entries.at[i] : NULL;
		const struct diff_entry *b = k < after->entries.n ? &after->entries.at[k] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->path, b->path);
		compare(order <= 0 ? a : NULL, order >= 0 ? b : NULL, ret);
		i += order <= 0;
		k += order >= 0;
	}
	if (ret->changes.n)
		qsort(ret->changes.at, ret->changes.n, sizeof *ret->changes.at, by_weight);
}

static const char signs[] = { [DIFF_REMOVED] = '-', [DIFF_ADDED] = '+', [DIFF_CHANGED] = '~' };
static const char *const words[] = { [DIFF_REMOVED] = "removed", [DIFF_ADDED] = "added", [DIFF_CHANGED] = "changed" };

static void print_fact(const struct diff_change *change, const struct diff_delta *fact, const char *before,
		       struct text *ret)
{
	text_addf(ret, "%s%s %s", before, fact->name,
		  fact->from                     ? fact->from
		  : change->kind == DIFF_CHANGED ? "(none)"
						 : fact->to);
	if (change->kind == DIFF_CHANGED)
		text_addf(ret, " -> %s", fact->to ? fact->to : "(none)");
}

static const struct diff_delta *version_of(const struct diff_change *change)
{
	for (size_t i = 0; i < change->facts.n; i++)
		if (!strcmp(change->facts.at[i].name, "version"))
			return &change->facts.at[i];
	return NULL;
}

/* Of what has versions, those that follow from another version. */
static bool follows(const char *fact)
{
	static const char *const names[] = { "version", "path", "size",   "installed", "sha256",
					     "sums",    "key",  "go_mod", "date",      "repository" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(fact, names[i]))
			return true;
	return false;
}

static void print_change(const struct diff_change *change, struct text *ret)
{
	const struct diff_delta *version = version_of(change);

	text_addf(ret, "%c %s", signs[change->kind], change->path);
	if (version)
		print_fact(change, version, ": ", ret);
	for (size_t i = 0; i < change->facts.n; i++)
		if (!version || (change->kind == DIFF_CHANGED && !follows(change->facts.at[i].name)))
			print_fact(change, &change->facts.at[i], version || i ? ", " : ": ", ret);
	text_add(ret, "\n");
}

void diff_print(const struct diff *diff, struct text *ret)
{
	for (size_t i = 0; i < diff->changes.n; i++)
		print_change(&diff->changes.at[i], ret);
}

static struct json *change_json(const struct diff_change *change)
{
	struct json *object = json_object(), *facts = json_object();

	json_put_string(object, "path", change->path);
	json_put_string(object, "change", words[change->kind]);
	for (size_t i = 0; i < change->facts.n; i++) {
		struct json *fact = json_object();
		json_put_string(fact, "from", change->facts.at[i].from);
		json_put_string(fact, "to", change->facts.at[i].to);
		json_put(facts, change->facts.at[i].name, fact);
	}
	json_put(object, "facts", facts);
	return object;
}

struct json *diff_json(const struct diff *diff)
{
	struct json *array = json_array();

	for (size_t i = 0; i < diff->changes.n; i++)
		json_push(array, change_json(&diff->changes.at[i]));
	return array;
}

void diff_done(struct diff *diff)
{
	for (size_t i = 0; i < diff->changes.n; i++)
		vec_done(&diff->changes.at[i].facts);
	vec_done(&diff->changes);
}
