/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a finished artifact against the rules of sysprep.c, and its passwords: that rule is the only one about a
 * file's text. */
#include <string.h>

#include "builder/image/sysprep.h"
#include "lib/text.h"

#define SHADOW_MAX (1 << 20)

/* Iterates over the lines "name:PASSWORD:rest". */
struct shadow_line {
	const char *name, *password, *rest;
	/* rest: from the colon after the password to the end, newline included. */
	size_t name_len, password_len, rest_len;
};

static bool shadow_next(const char **text, struct shadow_line *ret)
{
	const char *line = *text;
	size_t len = strcspn(line, "\n");

	if (!*line)
		return false;
	*text = line + len + (line[len] == '\n');
	ret->name = line;
	ret->name_len = strcspn(line, ":\n");
	ret->password = line + ret->name_len + (line[ret->name_len] == ':');
	ret->password_len = strcspn(ret->password, ":\n");
	ret->rest = ret->password + ret->password_len;
	ret->rest_len = (size_t)(*text - ret->rest);
	return true;
}

/* Only a password of `*` and `!` locks an account: a hash could follow a `!`. A line without a colon names no
 * account. */
static bool is_locked(const struct shadow_line *l)
{
	return l->password == l->name + l->name_len ||
	       (l->password_len && strspn(l->password, "*!") >= l->password_len);
}

bool sysprep_shadow_lock(const char *shadow, struct text *ret)
{
	struct shadow_line l;
	bool changed = false;

	while (shadow_next(&shadow, &l)) {
		bool locked = is_locked(&l);
		text_addn(ret, l.name, (size_t)(l.password - l.name));
		text_addn(ret, locked ? l.password : "*", locked ? l.password_len : 1);
		text_addn(ret, l.rest, l.rest_len);
		changed |= !locked;
	}
	return changed;
}

void sysprep_shadow_check(const char *shadow, struct faults *ret_findings)
{
	struct shadow_line l;

	while (shadow_next(&shadow, &l))
		if (!is_locked(&l))
			faults_add(ret_findings, FAULT_PASSWORD, "/etc/shadow",
				   "/etc/shadow: %.*s has %s; every account of an image must be locked",
				   (int)l.name_len, l.name, l.password_len ? "a password hash" : "an empty password");
}

/* How an entry that the rule matches violates it; NULL when it does not. */
static const char *offence(const struct sysprep_rule *r, const struct image_entry *e)
{
	switch (r->action) {
	case SYSPREP_ABSENT:
	case SYSPREP_EMPTY_DIR:
		return "exists";
	case SYSPREP_NO_FILES:
		return S_ISDIR(e->mode) ? NULL : "exists";
	case SYSPREP_EMPTY_FILE:
		return !S_ISREG(e->mode) ? "is not a regular file" : e->size ? "is not empty" : NULL;
	case SYSPREP_UNWRITTEN:
		return S_ISREG(e->mode) && e->size ? "is not empty" : NULL;
	case SYSPREP_TEXT:
		return NULL; /* check_text() */
	}
	return NULL;
}

/* Also the opposite: the program would not start without the file. */
static int check_text(struct image *image, const struct sysprep_rule *r, struct faults *findings, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	const struct sysprep_text *t = sysprep_text(r);
	const struct image_entry *program, *e;
	int wanted = image_follow(image, t->program, &program, err),
	    found = wanted < 0 ? -1 : image_stat(image, r->path, &e, err);

	if (found < 0)
		return -1;
	if (found && wanted && S_ISREG(e->mode) && e->size == strlen(t->text) &&
	    image_read(image, r->path, strlen(t->text), &text, err) < 0)
		return -1;
	if (!wanted && found)
		faults_add(findings, FAULT_LEFTOVER, r->path, "%s exists; %s", r->path, r->why);
	else if (wanted && !found)
		faults_add(findings, FAULT_LEFTOVER, r->path,
			   "%s is missing, and %s does not start without it; build the image again", r->path,
			   t->program);
	else if (wanted && !text_same(text.data, t->text))
		faults_add(findings, FAULT_LEFTOVER, r->path, "%s has a name; %s", r->path, r->why);
	return 0;
}

static int check_entry(void *findings, const struct image_entry *e, struct error *err UNUSED)
{
	for (size_t i = 0; i < sysprep_rules_count; i++) {
		const struct sysprep_rule *r = &sysprep_rules[i];
		const char *what = sysprep_concerns(r, e->path) ? offence(r, e) : NULL;
		if (what)
			faults_add(findings, FAULT_LEFTOVER, e->path, "%s %s; %s", e->path, what, r->why);
	}
	return 0;
}

static int check_missing(struct image *image, struct faults *findings, struct error *err)
{
	const struct image_entry *e;

	for (size_t i = 0; i < sysprep_rules_count; i++) {
		if (sysprep_rules[i].action == SYSPREP_TEXT && check_text(image, &sysprep_rules[i], findings, err) < 0)
			return -1;
		if (sysprep_rules[i].action != SYSPREP_EMPTY_FILE)
			continue;
		int found = image_stat(image, sysprep_rules[i].path, &e, err);
		if (found < 0)
			return -1;
		if (!found)
			faults_add(findings, FAULT_LEFTOVER, sysprep_rules[i].path,
				   "%s is missing; it must exist and be empty", sysprep_rules[i].path);
	}
	return 0;
}

static int check_shadow(struct image *image, struct faults *findings, struct error *err)
{
	CLEANUP(text_done) struct text shadow = { 0 };
	const struct image_entry *e;
	int found = image_stat(image, "/etc/shadow", &e, err);

	if (found <= 0)
		return found;
	if (image_read(image, "/etc/shadow", SHADOW_MAX, &shadow, err) < 0)
		return -1;
	sysprep_shadow_check(shadow.len ? shadow.data : "", findings);
	return 0;
}

int sysprep_check(struct image *image, struct faults *ret_findings, struct error *err)
{
	if (image_walk(image, check_entry, ret_findings, err) < 0 || check_missing(image, ret_findings, err) < 0)
		return -1;
	return check_shadow(image, ret_findings, err);
}
