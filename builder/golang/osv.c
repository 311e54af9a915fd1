/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/golang/osv.h"

#include <stdlib.h>
#include <string.h>

#include "builder/golang/go_version.h"
#include "lib/alloc.h"
#include "lib/json.h"

#define RANGES_MAX 10000u /* in one file */
#define EVENTS_MAX 10000u /* in one range */

static const char *const event_names[] = { "introduced", "fixed", "last_affected" };

static int wrong(const char *name, const char *place, const char *what, struct error *err)
{
	return error_set(err, ERROR_INPUT, "%s: %s %s; this is not a vulnerability in the OSV format", name, place,
			 what);
}

/* The texts are printed to a terminal. */
static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

static int read_event(const char *name, const struct json *json, struct osv_range *range, struct error *err)
{
	for (size_t kind = 0; kind < ARRAY_SIZE(event_names); kind++) {
		const char *version = json_get_string(json, event_names[kind]);
		struct osv_event event = { (enum osv_event_kind)kind, NULL };

		if (!version)
			continue;
		/* "0" is before all versions, pseudo-versions of v0.0.0 included. */
		event.version =
			text_same(version, "0") ? xstrdup("v0.0.0-0") : xasprintf("v%s", version + (*version == 'v'));
		vec_push(&range->events, event);
		if (!go_version_is_valid(event.version))
			return wrong(name, event_names[kind], "is no version", err);
		return 0;
	}
	return wrong(name, "events", "has one that is not introduced, fixed or last_affected", err);
}

/* At one version, what is introduced there counts last. */
static int by_version(const void *a, const void *b)
{
	const struct osv_event *x = a, *y = b;
	int c = go_version_compare(x->version, y->version);

	return c ? c : (int)y->kind - (int)x->kind;
}

static int read_range(const char *name, const char *module, const struct json *json, struct osv *ret, struct error *err)
{
	const struct json *events = json_get(json, "events");
	struct osv_range *range;

	if (!text_same(json_get_string(json, "type"), "SEMVER"))
		return 0; /* commits of git */
	if (!json_count(events) || json_count(events) > EVENTS_MAX)
		return wrong(name, "events", "must be a list that is not empty and not too long", err);
	if (ret->ranges.n == RANGES_MAX)
		return wrong(name, "affected", "has too many ranges", err);
	vec_push(&ret->ranges, (struct osv_range){ .module = xstrdup(module) });
	range = &ret->ranges.at[ret->ranges.n - 1];
	for (size_t i = 0; i < json_count(events); i++) {
		if (read_event(name, json_at(events, i), range, err) < 0)
			return -1;
	}
	qsort(range->events.at, range->events.n, sizeof *range->events.at, by_version);
	return 0;
}

static int read_affected(const char *name, const struct json *json, struct osv *ret, struct error *err)
{
	const struct json *package = json_get(json, "package"), *ranges = json_get(json, "ranges");
	const char *ecosystem = json_get_string(package, "ecosystem"), *module = json_get_string(package, "name");

	if (!package || !ecosystem || !module)
		return wrong(name, "affected", "has no package with ecosystem and name", err);
	if (strcmp(ecosystem, "Go") != 0)
		return 0;
	if (!*module || !is_printable(module))
		return wrong(name, "package.name", "is no module", err);
	for (size_t i = 0; i < json_count(ranges); i++) {
		if (read_range(name, module, json_at(ranges, i), ret, err) < 0)
			return -1;
	}
	return 0;
}

static int read_osv(const char *name, const struct json *json, struct osv *ret, struct error *err)
{
	const struct json *affected = json_get(json, "affected"), *aliases = json_get(json, "aliases");
	const char *summary = json_get_string(json, "summary"), *id = json_get_string(json, "id");

	if (!id || !*id || !is_printable(id))
		return wrong(name, "id", "is missing or not valid", err);
	if (affected && !json_is_array(affected))
		return wrong(name, "affected", "must be a list", err);
	ret->id = xstrdup(id);
	ret->summary = xstrdup(summary && is_printable(summary) ? summary : "");
	ret->withdrawn = json_get_string(json, "withdrawn") != NULL;
	for (size_t i = 0; i < json_count(aliases); i++) {
		const char *alias = json_as_string(json_at(aliases, i));

		if (!alias || !is_printable(alias))
			return wrong(name, "aliases", "must contain texts", err);
		strings_add(&ret->aliases, alias);
	}
	for (size_t i = 0; i < json_count(affected); i++) {
		if (read_affected(name, json_at(affected, i), ret, err) < 0)
			return -1;
	}
	return 0;
}

int osv_parse(const char *name, const char *text, size_t len, struct osv *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	CLEANUP(osv_done) struct osv osv = { 0 };

	if (len > OSV_TEXT_MAX)
		return wrong(name, "the file", "is too long", err);
	if (json_parse(name, text, len, &json, err) < 0) {
		err->class = ERROR_INPUT;
		return -1;
	}
	if (!json_is_object(json))
		return wrong(name, "the file", "must be an object", err);
	if (read_osv(name, json, &osv, err) < 0)
		return -1;
	*ret = TAKE(osv);
	return 0;
}

void osv_done(struct osv *o)
{
	for (size_t i = 0; i < o->ranges.n; i++) {
		struct osv_range *range = &o->ranges.at[i];

		for (size_t k = 0; k < range->events.n; k++)
			free(range->events.at[k].version);
		vec_done(&range->events);
		free(range->module);
	}
	vec_done(&o->ranges);
	strings_done(&o->aliases);
	free(o->id);
	free(o->summary);
}

static bool in_range(const struct osv_range *range, const char *version, const char **ret_fixed)
{
	bool concerned = false;

	*ret_fixed = NULL;
	for (size_t i = 0; i < range->events.n; i++) {
		const struct osv_event *e = &range->events.at[i];
		int c = go_version_compare(version, e->version);

		if (e->kind == OSV_INTRODUCED && c >= 0)
			concerned = true;
		else if ((e->kind == OSV_FIXED && c >= 0) || (e->kind == OSV_LAST_AFFECTED && c > 0))
			concerned = false;
		else if (e->kind == OSV_FIXED && !*ret_fixed)
			*ret_fixed = e->version;
	}
	return concerned;
}

bool osv_concerns(const struct osv *o, const char *module, const char *version, const char **ret_fixed)
{
	*ret_fixed = NULL;
	if (o->withdrawn || !go_version_is_valid(version))
		return false;
	for (size_t i = 0; i < o->ranges.n; i++) {
		if (!strcmp(o->ranges.at[i].module, module) && in_range(&o->ranges.at[i], version, ret_fixed))
			return true;
	}
	return false;
}
