/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/login.h"
#include "lib/nearest.h"

const struct command *const commands[] = {
	&command_build,   &command_lock,   &command_plan,    &command_inspect,
	&command_diff,    &command_verify, &command_boot,    &command_seed,
	&command_publish, &command_deploy, &command_destroy, &command_roles,
	&command_cache,   &command_doctor, &command_help,    NULL,
};

const struct option_spec common_options[] = {
	{ "--help", OPTION_FLAG, NULL, NULL, "print this help" },
	{ 0 },
};

/* enum error_class in words. */
const struct exit_code exit_codes[] = {
	{ 0, "done" },
	{ ERROR_FAILED, "failed in a way that no other code names" },
	{ ERROR_USAGE, "the command line is wrong" },
	{ ERROR_INPUT, "a recipe, lock file or other input file is wrong" },
	{ ERROR_HOST, "the host lacks a program, a right or a kernel feature; `nodekiln doctor` names it" },
	{ ERROR_NETWORK, "a server could not be reached or did not deliver" },
	{ ERROR_TRUST, "a signature, key or checksum is wrong" },
	{ ERROR_SPACE, "a disk is full, or an image is larger than its disk" },
	{ ERROR_COMMAND, "a command in the image failed (a maintainer script, a compiler)" },
	{ ERROR_VERIFY, "an image does not pass `verify`" },
	{ ERROR_TARGET, "Proxmox VE lacks a right or a setting, or refused" },
	{ ERROR_OUTDATED, "`lock --check` found something newer" },
	{ ERROR_SECURITY_UPDATE, "`lock --check` found security updates" },
	{ 0 },
};

void command_print(struct text *text)
{
	if (!text->data)
		return;
	text_make_printable_lines(text->data);
	fputs(text->data, stdout);
}

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

int command_unknown(const char *name, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text near = { 0 };

	for (const struct command *const *c = commands; *c; c++)
		strings_add(&names, (*c)->name);
	nearest_add(name, &names, &near);
	return error_set(err, ERROR_USAGE, "unknown command '%s'%s; `nodekiln --help` lists them", name,
			 near.len ? near.data : "");
}

static const struct option_spec *find_option(const struct command *c, const char *word, size_t len)
{
	for (const struct option_spec *o = c->options; o && o->name; o++)
		if (strlen(o->name) == len && !strncmp(o->name, word, len))
			return o;
	return NULL;
}

/* The user and password are also removed from argv, which ps(1) shows to every user. A directory's name is no URL. */
static int read_url(const struct option_spec *o, char *value, struct error *err)
{
	char *url = xstrdup(value);

	*(const char **)o->target = value;
	if (!strstr(value, "://") && strcmp(o->argument, "URL") != 0) {
		free(url);
		return 0;
	}
	int rc = login_split(&url, o->name, err);
	if (rc == 0 && strcmp(url, value) != 0) {
		explicit_bzero(value, strlen(value));
		strcpy(value, url);
	}
	free(url);
	return rc;
}

static int unknown_option(const struct command *c, const char *word, size_t len, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text near = { 0 };
	CLEANUP(free_p) char *name = xstrndup(word, len);

	for (const struct option_spec *o = c->options; o && o->name; o++)
		strings_add(&names, o->name);
	nearest_add(name, &names, &near);
	return error_set(err, ERROR_USAGE, "unknown option %s%s; see `nodekiln %s --help`", name,
			 near.len ? near.data : "", c->name);
}

/* Stores one option; advances *i when the value is the next word. */
static int read_option(const struct command *c, int argc, char **argv, int *i, struct error *err)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_spec *o = find_option(c, word, len);

	if (!o)
		return unknown_option(c, word, len, err);
	if (o->kind == OPTION_FLAG) {
		*(bool *)o->target = true;
		return equals ? error_set(err, ERROR_USAGE, "%s takes no value", o->name) : 0;
	}
	char *value = equals ? argv[*i] + (equals - word) + 1 : *i + 1 < argc ? argv[++*i] : NULL;
	/* The next word may be an option, because the value was forgotten or a variable of a script is empty. */
	if (!value || !*value || (!equals && find_option(c, value, strcspn(value, "="))))
		return error_set(err, ERROR_USAGE, "%s needs a value: %s %s", o->name, o->name, o->argument);
	if (o->kind == OPTION_URL)
		return read_url(o, value, err);
	if (o->kind == OPTION_LIST)
		strings_add(o->target, value);
	else
		*(const char **)o->target = value;
	return 0;
}

int command_read(const struct command *c, int argc, char **argv, struct strings *words, struct error *err)
{
	bool options = true;

	for (int i = 0; i < argc; i++) {
		if (options && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")))
			return 1;
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if (read_option(c, argc, argv, &i, err) < 0)
				return -1;
		} else {
			strings_add(words, argv[i]);
		}
	}
	if (words->n < (size_t)c->min || words->n > (size_t)c->max)
		return error_set(err, ERROR_USAGE, "wrong number of arguments; usage: nodekiln %s [OPTIONS] %s",
				 c->name, c->arguments);
	return 0;
}
