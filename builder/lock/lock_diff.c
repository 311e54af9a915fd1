/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_diff.h"

#include <stdlib.h>
#include <string.h>

#include "builder/lock/dpkg_version.h"
#include "builder/lock/lock_component.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define COMPONENTS "components"
#define SOURCES "sources"
#define BINARIES "binaries"
#define DIGEST_SHOWN 12 /* digits of a binary's digest in lock_diff_print() */

static void add(struct lock_diff *diff, const char *group, const char *name, const char *from, const char *to)
{
	vec_push(&diff->items, (struct lock_diff_item){
				       .group = group,
				       .name = xstrdup(name),
				       .from = xstrdup_or_null(from),
				       .to = xstrdup_or_null(to),
			       });
}

static void compare_group(const struct lock *locked, const struct lock *now, enum lock_group group,
			  struct lock_diff *ret)
{
	for (size_t i = 0; i < locked->group[group].n; i++) {
		const struct lock_package *p = &locked->group[group].at[i], *q = lock_find(now, group, p->name);
		if (!q || strcmp(p->version, q->version) || strcmp(p->sha256, q->sha256))
			add(ret, lock_group_names[group], p->name, p->version, q ? q->version : NULL);
	}
	for (size_t i = 0; i < now->group[group].n; i++) {
		const struct lock_package *q = &now->group[group].at[i];
		if (!lock_find(locked, group, q->name))
			add(ret, lock_group_names[group], q->name, NULL, q->version);
	}
}

/* A component of the same version can have other modules and files: those of nodekiln's main module for it, for example. */
static bool same_component(const struct lock_component *c, const struct lock_component *d)
{
	CLEANUP(json_free_p) struct json *one = lock_component_json(c), *other = lock_component_json(d);
	CLEANUP(text_done) struct text a = { 0 }, b = { 0 };

	json_print(one, false, &a);
	json_print(other, false, &b);
	return text_same(a.data, b.data);
}

static void compare_components(const struct lock *locked, const struct lock *now, struct lock_diff *ret)
{
	for (size_t i = 0; i < locked->components.n; i++) {
		const struct lock_component *c = &locked->components.at[i], *d = lock_component(now, c->name);
		if (!d || !same_component(c, d))
			add(ret, COMPONENTS, c->name, c->version, d ? d->version : NULL);
	}
	for (size_t i = 0; i < now->components.n; i++)
		if (!lock_component(locked, now->components.at[i].name))
			add(ret, COMPONENTS, now->components.at[i].name, NULL, now->components.at[i].version);
}

static const struct lock_file *find_file(const struct lock_files *files, const char *name)
{
	for (size_t i = 0; i < files->list.n; i++)
		if (!strcmp(files->list.at[i].name, name))
			return &files->list.at[i];
	return NULL;
}

static bool same_files(const struct lock_files *files, const struct lock_files *now)
{
	for (size_t i = 0; i < files->list.n; i++) {
		const struct lock_file *f = &files->list.at[i], *g = find_file(now, f->name);
		if (!g || strcmp(f->sha256, g->sha256))
			return false;
	}
	return files->list.n == now->list.n;
}

static void compare_sources(const struct lock *locked, const struct lock *now, struct lock_diff *ret)
{
	for (size_t i = 0; i < locked->sources.n; i++) {
		const struct lock_source *s = &locked->sources.at[i], *t = lock_source(now, s->name);
		if (!t || strcmp(s->version, t->version) || !same_files(&s->files, &t->files))
			add(ret, SOURCES, s->name, s->version, t ? t->version : NULL);
	}
	for (size_t i = 0; i < now->sources.n; i++)
		if (!lock_source(locked, now->sources.at[i].name))
			add(ret, SOURCES, now->sources.at[i].name, NULL, now->sources.at[i].version);
}

static void compare_binaries(const struct lock_files *locked, const struct lock_files *now, struct lock_diff *ret)
{
	for (size_t i = 0; i < locked->list.n; i++) {
		const struct lock_file *f = &locked->list.at[i], *g = find_file(now, f->name);
		if (!g || strcmp(f->sha256, g->sha256))
			add(ret, BINARIES, f->name, f->sha256, g ? g->sha256 : NULL);
	}
	for (size_t i = 0; i < now->list.n; i++)
		if (!find_file(locked, now->list.at[i].name))
			add(ret, BINARIES, now->list.at[i].name, NULL, now->list.at[i].sha256);
}

void lock_diff_compare(const struct lock *locked, const struct lock *now, struct lock_diff *ret)
{
	for (enum lock_group group = 0; group < LOCK_GROUPS; group++)
		compare_group(locked, now, group, ret);
	compare_components(locked, now, ret);
	compare_sources(locked, now, ret);
	compare_binaries(&locked->binaries, &now->binaries, ret);
}

static bool has_version(const struct lock_diff_item *item)
{
	return strcmp(item->group, BINARIES) != 0;
}

/* Components and modules have no apt suite. */
static bool is_of_apt(const struct lock_diff_item *item)
{
	return has_version(item) && !item->id && strcmp(item->group, COMPONENTS) != 0;
}

void lock_diff_end_of_life(struct lock_diff *diff, const char *component, const char *version, int64_t end_of_life,
			   int64_t today)
{
	if (!end_of_life || end_of_life - today > LOCK_DIFF_WARNING)
		return;
	add(diff, COMPONENTS, component, version, NULL);
	diff->items.at[diff->items.n - 1].end_of_life = end_of_life;
	diff->items.at[diff->items.n - 1].ended = today >= end_of_life + LOCK_DIFF_DAY; /* it is the last day */
}

size_t lock_diff_outdated(const struct lock_diff *diff)
{
	size_t n = 0;

	for (size_t i = 0; i < diff->items.n; i++)
		n += !diff->items.at[i].end_of_life || diff->items.at[i].ended;
	return n;
}

static bool is_source(const struct lock_diff_item *item)
{
	return !strcmp(item->group, SOURCES);
}

void lock_diff_names(const struct lock_diff *diff, struct strings *ret)
{
	for (size_t i = 0; i < diff->items.n; i++) {
		const struct lock_diff_item *item = &diff->items.at[i];
		if (is_of_apt(item) && item->from && item->to && !strings_has(ret, item->name))
			strings_add(ret, item->name);
	}
}

/* True for the origin "URL SUITE/COMPONENT ..." of a suite with security updates. */
static bool is_security(const char *origin)
{
	const char *suite = strchr(origin, ' ');
	size_t len = suite ? strcspn(suite + 1, "/ ") : 0;
	static const char suffix[] = "-security";

	return len >= strlen(suffix) && !strncmp(suite + 1 + len - strlen(suffix), suffix, strlen(suffix));
}

static void mark(struct lock_diff *diff, const char *name, const char *version, bool source)
{
	for (size_t i = 0; i < diff->items.n; i++) {
		struct lock_diff_item *item = &diff->items.at[i];
		if (is_of_apt(item) && is_source(item) == source && item->from && !strcmp(item->name, name) &&
		    dpkg_version_compare(version, item->from) > 0)
			item->security = true;
	}
}

void lock_diff_mark_security(struct lock_diff *diff, const char *madison)
{
	CLEANUP(free_p) char *copy = xstrdup(madison);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *name = strsep(&line, "|"), *version = strsep(&line, "|"), *origin = line;
		if (name && version && origin && is_security(text_trim(origin)))
			mark(diff, text_trim(name), text_trim(version), text_ends(origin, " Sources"));
	}
}

size_t lock_diff_security(const struct lock_diff *diff)
{
	size_t n = 0;

	for (size_t i = 0; i < diff->items.n; i++)
		n += diff->items.at[i].security;
	return n;
}

static const char *kind_of(const struct lock_diff_item *item)
{
	if (item->id)
		return "advisory";
	if (item->end_of_life)
		return item->ended ? "ended" : "ends";
	if (item->security)
		return "security";
	if (!item->from || !item->to)
		return item->from ? "gone" : "new";
	return strcmp(item->from, item->to) != 0 ? "newer" : "changed";
}

static void print_more(const struct lock_diff_item *item, struct text *ret)
{
	char date[CLOCK_TEXT_MAX];

	if (item->end_of_life)
		text_addf(ret, " on %.10s", clock_text((time_t)item->end_of_life, date));
	if (!item->id)
		return;
	text_addf(ret, "%s: %s", item->to ? "" : ", no fix yet", item->id);
	for (size_t i = 0; i < item->users.n; i++)
		text_addf(ret, "%s%s", i ? " " : " in ", item->users.at[i]);
	if (*item->summary)
		text_addf(ret, ": %s", item->summary);
}

void lock_diff_print(const struct lock_diff *diff, struct text *ret)
{
	for (size_t i = 0; i < diff->items.n; i++) {
		const struct lock_diff_item *item = &diff->items.at[i];
		int shown = has_version(item) ? -1 : DIGEST_SHOWN;

		text_addf(ret, "%-8s  %-9s  %s", kind_of(item), item->group, item->name);
		if (item->from)
			text_addf(ret, " %.*s", shown, item->from);
		if (item->to)
			text_addf(ret, "%s %.*s", item->from ? " ->" : "", shown, item->to);
		print_more(item, ret);
		text_add(ret, "\n");
	}
}

static void put_more(struct json *one, const struct lock_diff_item *item)
{
	char date[CLOCK_TEXT_MAX];

	if (item->id) {
		json_put_string(one, "id", item->id);
		json_put_string(one, "summary", item->summary);
		json_put_strings(one, "components", &item->users);
	}
	if (item->end_of_life)
		json_put_string(one, "end_of_life", clock_text((time_t)item->end_of_life, date));
}

struct json *lock_diff_json(const struct lock_diff *diff)
{
	struct json *array = json_array();

	for (size_t i = 0; i < diff->items.n; i++) {
		const struct lock_diff_item *item = &diff->items.at[i];
		struct json *one = json_object();
		json_put_string(one, "kind", kind_of(item));
		json_put_string(one, "group", item->group);
		json_put_string(one, "name", item->name);
		json_put_string(one, "from", item->from);
		json_put_string(one, "to", item->to);
		put_more(one, item);
		json_push(array, one);
	}
	return array;
}

void lock_diff_done(struct lock_diff *diff)
{
	for (size_t i = 0; i < diff->items.n; i++) {
		free(diff->items.at[i].name);
		free(diff->items.at[i].from);
		free(diff->items.at[i].to);
		free(diff->items.at[i].id);
		free(diff->items.at[i].summary);
		strings_done(&diff->items.at[i].users);
	}
	vec_done(&diff->items);
}
