/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/gosum.h"

#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock_component.h"
#include "lib/alloc.h"

#define OF_GO_MOD "/go.mod"

static int compare(const void *a, const void *b)
{
	const struct lock_module *x = a, *y = b;
	int by_path = strcmp(x->path, y->path);

	return by_path ? by_path : strcmp(x->version, y->version);
}

/* Two lines make one module: that of the zip and that of its go.mod. */
static void add_line(struct lock_component *c, const char *path, char *version, const char *sum)
{
	bool go_mod = text_ends(version, OF_GO_MOD);

	if (go_mod)
		version[strlen(version) - strlen(OF_GO_MOD)] = '\0';
	struct lock_module *last = c->modules.n ? &c->modules.at[c->modules.n - 1] : NULL;
	if (!last || strcmp(last->path, path) != 0 || strcmp(last->version, version) != 0) {
		vec_push(&c->modules, (struct lock_module){ .path = xstrdup(path), .version = xstrdup(version) });
		last = &c->modules.at[c->modules.n - 1];
	}
	char **field = go_mod ? &last->mod_sum : &last->sum;
	free(*field);
	*field = xstrdup(sum);
}

int gosum_parse(const char *text, struct lock_component *c, struct error *err)
{
	CLEANUP(free_p) char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *fields = line, *path = strsep(&fields, " "), *version = strsep(&fields, " ");
		if (!*line)
			continue;
		if (!version || !fields || !lock_module_path_is_valid(path) || !lock_module_sum_is_valid(fields))
			return error_set(err, ERROR_FAILED,
					 "go.sum has the line '%s', which is no checksum of a module", line);
		add_line(c, path, version, fields);
	}
	for (size_t i = 0; i < c->modules.n; i++)
		if (!c->modules.at[i].mod_sum || !lock_module_version_is_valid(c->modules.at[i].version))
			return error_set(err, ERROR_FAILED, "go.sum has no checksum of the go.mod of %s %s",
					 c->modules.at[i].path, c->modules.at[i].version);
	if (c->modules.n)
		qsort(c->modules.at, c->modules.n, sizeof *c->modules.at, compare);
	return 0;
}

void gosum_print(const struct lock_component *c, struct text *ret)
{
	for (size_t i = 0; i < c->modules.n; i++) {
		const struct lock_module *m = &c->modules.at[i];
		if (m->sum)
			text_addf(ret, "%s %s %s\n", m->path, m->version, m->sum);
		text_addf(ret, "%s %s" OF_GO_MOD " %s\n", m->path, m->version, m->mod_sum);
	}
}

/* The lines of a go.mod as "VERB ARGUMENTS", blocks resolved, comments and outer white space removed. */
static void directives(const char *text, struct strings *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(text);
	CLEANUP(free_p) char *block = NULL;
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *comment = strstr(line, "//");
		if (comment && (comment == line || comment[-1] == ' ' || comment[-1] == '\t'))
			*comment = '\0';
		line = text_trim(line);
		if (!*line)
			continue;
		if (!strcmp(line, ")")) {
			free(block);
			block = NULL;
		} else if (!block && text_ends(line, "(")) {
			block = xstrndup(line, strcspn(line, " \t("));
		} else {
			strings_addf(ret, "%s%s%s", block ? block : "", block ? " " : "", line);
		}
	}
}

static const char *argument(const char *directive, const char *verb)
{
	size_t len = strlen(verb);

	return !strncmp(directive, verb, len) && strchr(" \t", directive[len]) && directive[len]
		       ? directive + len + strspn(directive + len, " \t")
		       : NULL;
}

const char *gosum_go_line(const char *go_mod, size_t *ret_len)
{
	for (const char *line = go_mod; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *value = argument(line, "go");
		if (value) {
			*ret_len = strcspn(value, " \t\r\n/");
			return value;
		}
	}
	return NULL;
}

static bool is_local(const char *target)
{
	return text_starts(target, "./") || text_starts(target, "../") || *target == '/';
}

/* value: "OLD [VERSION] => NEW [VERSION]". */
static void add_replacement(const char *value, const char *released_with, struct text *ret)
{
	const char *arrow = strstr(value, "=>"), *target = arrow ? arrow + 2 + strspn(arrow + 2, " \t") : "";

	if (!arrow)
		return;
	if (!is_local(target))
		text_addf(ret, "replace %s\n", value);
	else if (released_with)
		text_addf(ret, "replace %.*s => %.*s %s\n", (int)strcspn(value, " \t"), value,
			  (int)strcspn(value, " \t"), value, released_with);
}

/* value: "PATH VERSION". The modules of the component itself are required at its own version. */
static void add_requirement(const struct component *c, const char *value, struct text *ret)
{
	CLEANUP(free_p) char *path = xstrndup(value, strcspn(value, " \t"));

	if (strcmp(path, c->go.module) != 0 && !strings_has(&c->go.modules, path))
		text_addf(ret, "require %s\n", value);
}

int gosum_main_module(const struct component *c, const char *version, const char *of_component, struct text *ret,
		      struct error *err)
{
	CLEANUP(strings_done) struct strings list = { 0 };
	CLEANUP(free_p) char *tag = component_expand(c->go.tag ? c->go.tag : "v{version}", version, 0);
	CLEANUP(free_p)
	char *released = c->go.released_with ? component_expand(c->go.released_with, version, 0) : NULL;
	size_t len = 0;
	const char *go_line = gosum_go_line(of_component, &len), *value;

	if (!go_line)
		return error_set(err, ERROR_INPUT, "the go.mod of %s has no go line", c->go.module);
	directives(of_component, &list);
	text_addf(ret, "module " GOSUM_MAIN "\n\ngo %.*s\n", (int)len, go_line);
	for (size_t i = 0; i < list.n; i++) {
		if ((value = argument(list.at[i], "godebug")))
			text_addf(ret, "godebug %s\n", value);
		else if ((value = argument(list.at[i], "exclude")))
			text_addf(ret, "exclude %s\n", value);
		else if ((value = argument(list.at[i], "replace")))
			add_replacement(value, released, ret);
		else if ((value = argument(list.at[i], "require")))
			add_requirement(c, value, ret);
	}
	text_addf(ret, "require %s %s\n", c->go.module, tag);
	for (size_t i = 0; i < c->go.modules.n; i++)
		text_addf(ret, "require %s %s\n", c->go.modules.at[i], tag);
	return 0;
}
