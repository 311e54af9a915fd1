/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/dpkgdb.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/lock/dpkg_version.h"
#include "lib/alloc.h"
#include "lib/macro.h"

static const char *line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end : line + strlen(line);
}

static const char *next_line(const char *line)
{
	const char *end = line_end(line);

	return *end ? end + 1 : end;
}

static bool blank_line(const char *line)
{
	return line + strspn(line, " \t\r") == line_end(line);
}

char *dpkgdb_field(const char *control, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = control; *line && !blank_line(line); line = next_line(line)) {
		if (strncasecmp(line, name, n) || line[n] != ':')
			continue;
		const char *end = line_end(line);
		while (end[0] && (end[1] == ' ' || end[1] == '\t'))
			end = line_end(end + 1);
		CLEANUP(free_p) char *value = xstrndup(line + n + 1, (size_t)(end - line) - n - 1);
		return xstrdup(text_trim(value));
	}
	return NULL;
}

const char *dpkgdb_next(const char *control)
{
	const char *line = control;

	while (*line && !blank_line(line))
		line = next_line(line);
	while (*line && blank_line(line))
		line = next_line(line);
	return *line ? line : NULL;
}

/* The characters that Debian policy allows; nothing else is accepted, because the values become file names. */
static bool made_of(const char *s, const char *punctuation)
{
	if (!s || !isalnum((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(punctuation, *s))
			return false;
	return true;
}

int dpkgdb_parse(const char *control, struct dpkgdb_package *ret, struct error *err)
{
	CLEANUP(dpkgdb_done)
	struct dpkgdb_package p = {
		.name = dpkgdb_field(control, "Package"),
		.version = dpkgdb_field(control, "Version"),
		.architecture = dpkgdb_field(control, "Architecture"),
		.replaces = dpkgdb_field(control, "Replaces"),
	};
	CLEANUP(free_p) char *multi_arch = dpkgdb_field(control, "Multi-Arch");
	CLEANUP(free_p) char *essential = dpkgdb_field(control, "Essential");

	if (!made_of(p.name, "+-.") || !made_of(p.version, "+-.~:") || !made_of(p.architecture, "-"))
		return error_set(err, ERROR_FAILED,
				 "the control file's Package, Version or Architecture is missing or wrong");
	p.same = text_same(multi_arch, "same");
	p.essential = text_same(essential, "yes");
	*ret = TAKE(p);
	return 0;
}

void dpkgdb_done(struct dpkgdb_package *p)
{
	free(p->name);
	free(p->version);
	free(p->architecture);
	free(p->replaces);
	*p = (struct dpkgdb_package){ 0 };
}

char *dpkgdb_id(const struct dpkgdb_package *p)
{
	return p->same ? xasprintf("%s:%s", p->name, p->architecture) : xstrdup(p->name);
}

/* Whether one relation, "NAME", "NAME:ARCH" or "NAME (<< VERSION)", covers the package. */
static bool relation_covers(char *relation, const struct dpkgdb_package *other)
{
	char *open = strchr(relation, '(');
	char *close = open ? strchr(open, ')') : NULL;

	if (open)
		*open = '\0';
	char *name = text_trim(relation);
	name[strcspn(name, ":")] = '\0';
	if (strcmp(name, other->name))
		return false;
	if (!open)
		return true;
	if (!close)
		return false;
	*close = '\0';
	return dpkg_version_satisfies(other->version, text_trim(open + 1));
}

bool dpkgdb_replaces(const struct dpkgdb_package *p, const struct dpkgdb_package *other)
{
	CLEANUP(free_p) char *all = xstrdup(p->replaces ? p->replaces : "");
	char *rest = all, *relation;

	while ((relation = strsep(&rest, ",")))
		if (relation_covers(relation, other))
			return true;
	return false;
}

int dpkgdb_conffiles(const char *text, struct strings *ret, struct error *err)
{
	for (const char *line = text; *line; line = next_line(line)) {
		CLEANUP(free_p) char *copy = xstrndup(line, (size_t)(line_end(line) - line));
		char *path = text_trim(copy);
		if (!*path || text_starts(path, "remove-on-upgrade "))
			continue;
		if (*path != '/' || strpbrk(path, " \t"))
			return error_set(err, ERROR_FAILED, "its conffiles list '%s', which is not an absolute path",
					 path);
		strings_add(ret, path);
	}
	return 0;
}

void dpkgdb_stanza(const char *control, const char *conffiles, struct text *ret)
{
	const char *line = control;
	const char *end = control;

	while (*end && !blank_line(end))
		end = next_line(end);
	/* Package first, then Status, as dpkg writes them; dpkg reads fields in any order. */
	while (line < end && strncasecmp(line, "Package:", 8))
		line = next_line(line);
	const char *rest = line < end ? next_line(line) : end;
	text_addn(ret, line, (size_t)(line_end(line) - line));
	text_add(ret, "\nStatus: install ok unpacked\n");
	text_addn(ret, control, (size_t)(line - control));
	text_addn(ret, rest, (size_t)(end - rest));
	if (ret->data[ret->len - 1] != '\n')
		text_add(ret, "\n");
	if (*conffiles)
		text_addf(ret, "Conffiles:\n%s", conffiles);
	text_add(ret, "\n");
}

struct directive {
	const char *word, *suffix; /* suffix NULL: not an interest */
};
static const struct directive directives[] = {
	{ "interest", "" },   { "interest-await", "" },   { "interest-noawait", "/noawait" },
	{ "activate", NULL }, { "activate-await", NULL }, { "activate-noawait", NULL },
};

/* A path, or the name of a trigger, which is a file name in triggers/. */
static bool trigger_fits(const char *trigger)
{
	return *trigger == '/' || (isalnum((unsigned char)*trigger) && !strchr(trigger, '/'));
}

static int add_interest(char *line, const char *id, struct text *ret, struct error *err)
{
	char *rest = line;
	const char *word = strsep(&rest, " \t");
	const char *trigger = rest ? text_trim(rest) : "";

	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		const struct directive *d = &directives[i];
		if (strcmp(word, d->word))
			continue;
		if (!trigger_fits(trigger))
			break;
		if (d->suffix)
			text_addf(ret, "%s %s%s\n", trigger, id, d->suffix);
		return 0;
	}
	return error_set(err, ERROR_FAILED, "its triggers file has an unknown directive: '%s %s'", word, trigger);
}

int dpkgdb_interests(const char *triggers, const char *id, struct text *ret, struct error *err)
{
	for (const char *line = triggers; *line; line = next_line(line)) {
		CLEANUP(free_p) char *copy = xstrndup(line, (size_t)(line_end(line) - line));
		copy[strcspn(copy, "#")] = '\0';
		char *directive = text_trim(copy);
		if (*directive && add_interest(directive, id, ret, err) < 0)
			return -1;
	}
	return 0;
}

static bool list_reaches(const char *list, const char *directory, size_t n)
{
	for (const char *line = list; *line; line = next_line(line))
		if (!strncmp(line, directory, n) && (line[n] == '/' || line[n] == '\n'))
			return true;
	return false;
}

void dpkgdb_activations(const char *file_triggers, const char *list, struct strings *ret)
{
	for (const char *line = file_triggers; *line; line = next_line(line)) {
		size_t n = strcspn(line, " \n");
		if (!list_reaches(list, line, n))
			continue;
		/* "-": no package awaits it; the package that activated it is not configured yet. */
		CLEANUP(free_p) char *activation = xasprintf("%.*s -", (int)n, line);
		if (!strings_has(ret, activation))
			strings_add(ret, activation);
	}
}
