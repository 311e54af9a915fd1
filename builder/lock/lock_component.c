/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_component.h"

#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock_format.h"
#include "lib/base64.h"
#include "lib/validate.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SUM_PREFIX "h1:"
#define SUM_BYTES 32
#define NO_SUM "-" /* only the module's go.mod is needed */

bool lock_module_path_is_valid(const char *path)
{
	if (!*path || strlen(path) > LOCK_MODULE_PATH_MAX || path[strspn(path, LETTERS DIGITS "-._~/")])
		return false;
	for (const char *element = path; element; element = strchr(element, '/')) {
		element += *element == '/';
		size_t len = strcspn(element, "/");
		if (!len || strspn(element, ".") >= len)
			return false;
	}
	return true;
}

bool lock_module_version_is_valid(const char *version)
{
	return version[0] == 'v' && version[1] && version[1] >= '0' && version[1] <= '9' &&
	       strlen(version) <= LOCK_MODULE_PATH_MAX && !version[strspn(version, LETTERS DIGITS ".+-")];
}

bool lock_module_sum_is_valid(const char *sum)
{
	CLEANUP(text_done) struct text bytes = { 0 };

	return text_starts(sum, SUM_PREFIX) && !sum[strcspn(sum, " \t\r\n")] &&
	       base64_decode(sum + strlen(SUM_PREFIX), &bytes) && bytes.len == SUM_BYTES;
}

struct json *lock_component_json(const struct lock_component *c)
{
	struct json *object = json_object();
	CLEANUP(strings_done) struct strings lines = { 0 };

	json_put_string(object, "name", c->name);
	json_put_string(object, "version", c->version);
	json_put_string(object, "source", component_source_names[c->source]);
	json_put_int(object, "date", c->date);
	json_put_string(object, "go_package", c->go_package);
	json_put_string(object, "go_mod", c->go_mod);
	for (size_t i = 0; i < c->modules.n; i++) {
		const struct lock_module *m = &c->modules.at[i];
		strings_addf(&lines, "%s %s %s %s", m->path, m->version, m->sum ? m->sum : NO_SUM, m->mod_sum);
	}
	json_put_strings(object, "modules", &lines);
	return object;
}

static int invalid(const char *file, const char *place, const char *key, const char *value, struct error *err)
{
	return error_set(err, ERROR_INPUT, "%s: %s.%s has no valid value: '%s'", file, place, key, value ? value : "");
}

static int read_module(const char *line, struct lock_module *m)
{
	CLEANUP(free_p) char *copy = xstrdup(line);
	char *rest = copy, *path = strsep(&rest, " "), *version = strsep(&rest, " "), *sum = strsep(&rest, " ");

	if (!rest || !lock_module_path_is_valid(path) || !lock_module_version_is_valid(version) ||
	    !lock_module_sum_is_valid(rest) || (strcmp(sum, NO_SUM) != 0 && !lock_module_sum_is_valid(sum)))
		return -1;
	m->path = xstrdup(path);
	m->version = xstrdup(version);
	m->sum = strcmp(sum, NO_SUM) != 0 ? xstrdup(sum) : NULL;
	m->mod_sum = xstrdup(rest);
	return 0;
}

static int compare_modules(const struct lock_module *a, const struct lock_module *b)
{
	int by_path = strcmp(a->path, b->path);

	return by_path ? by_path : strcmp(a->version, b->version);
}

static int read_modules(const char *file, const char *place, const struct json *array, struct lock_component *c,
			struct error *err)
{
	if (!json_is_array(array) || json_count(array) > LOCK_MODULES_MAX)
		return error_set(err, ERROR_INPUT, "%s: %s.modules must be a list that is not too long", file, place);
	for (size_t i = 0; i < json_count(array); i++) {
		const char *line = json_as_string(json_at(array, i));
		vec_push(&c->modules, (struct lock_module){ 0 });
		struct lock_module *m = &c->modules.at[i];
		if (!line || read_module(line, m) < 0)
			return invalid(file, place, "modules", line, err);
		if (i && compare_modules(m - 1, m) >= 0)
			return error_set(err, ERROR_INPUT,
					 "%s: %s.modules: %s follows %s; entries must be sorted and unique", file,
					 place, m->path, (m - 1)->path);
	}
	return 0;
}

static bool read_component_source(const char *name, enum component_source *ret)
{
	for (enum component_source s = 0; name && s < COMPONENT_SOURCES; s++)
		if (strcmp(name, component_source_names[s]) == 0) {
			*ret = s;
			return true;
		}
	return false;
}

/* The fields that only go-modules have; the others have none of them. */
static int read_go(const char *file, const char *place, const struct json *object, struct lock_component *c,
		   struct error *err)
{
	const char *package = json_get_string(object, "go_package"), *text = json_get_string(object, "go_mod");
	bool wanted = c->source == COMPONENT_GO_MODULES;

	if (wanted ? !package || !debian_package_is_valid(package) : json_get(object, "go_package") != NULL)
		return invalid(file, place, "go_package", package, err);
	if (wanted ? !text || !*text : json_get(object, "go_mod") != NULL)
		return invalid(file, place, "go_mod", text, err);
	c->go_package = xstrdup_or_null(package);
	c->go_mod = xstrdup_or_null(text);
	return read_modules(file, place, json_get(object, "modules"), c, err);
}

static int read_component(const char *file, const char *place, const struct json *object, struct lock_component *c,
			  struct error *err)
{
	static const char *const keys[] = {
		"name", "version", "source", "date", "go_package", "go_mod", "modules", NULL
	};
	const char *name = json_get_string(object, "name"), *version = json_get_string(object, "version");
	const char *source = json_get_string(object, "source"), *unknown;

	if (!json_is_object(object))
		return error_set(err, ERROR_INPUT, "%s: %s must be an object", file, place);
	if ((unknown = json_unknown_key(object, keys)))
		return error_set(err, ERROR_INPUT, "%s: %s has an unknown key '%s'", file, place, unknown);
	if (!name || !filename_is_valid(name))
		return invalid(file, place, "name", name, err);
	if (!version || !debian_version_is_valid(version))
		return invalid(file, place, "version", version, err);
	if (!read_component_source(source, &c->source))
		return invalid(file, place, "source", source, err);
	if (!json_get_int(object, "date", &c->date) || c->date < 0)
		return error_set(err, ERROR_INPUT, "%s: %s.date must be a number of seconds", file, place);
	c->name = xstrdup(name);
	c->version = xstrdup(version);
	return read_go(file, place, object, c, err);
}

int lock_component_read(const char *file, const char *place, const struct json *object, struct lock_component *ret,
			struct error *err)
{
	CLEANUP(lock_component_done) struct lock_component c = { 0 };

	if (read_component(file, place, object, &c, err) < 0)
		return -1;
	*ret = TAKE(c);
	return 0;
}

void lock_component_done(struct lock_component *c)
{
	for (size_t i = 0; i < c->modules.n; i++) {
		free(c->modules.at[i].path);
		free(c->modules.at[i].version);
		free(c->modules.at[i].sum);
		free(c->modules.at[i].mod_sum);
	}
	vec_done(&c->modules);
	free(c->name);
	free(c->version);
	free(c->go_package);
	free(c->go_mod);
	*c = (struct lock_component){ 0 };
}
