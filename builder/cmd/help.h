/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Help texts, manual pages, tables for the documents and completion scripts, all made from the tables of commands, options, exit
 * codes and configuration keys. Pure: each function appends to ret.
 */
#include "builder/cmd/command.h"
#include "lib/schema.h"

/* The files that users write; ends with NULL. help_schema(): NULL when there is none of this name. */
extern const struct schema *const schemas[];
const struct schema *help_schema(const char *name);
/* The values that a key allows; owned by the caller. */
char *help_values(const struct schema_key *key) MUST_CHECK;

/* help.c: plain text, for --help. */
void help_program(struct text *ret);
void help_command(const struct command *c, struct text *ret);

/* manual.c: pages for man(1) in roff: nodekiln(1), nodekiln-COMMAND(1), nodekiln-NAME(5). */
void manual_program(struct text *ret);
void manual_command(const struct command *c, struct text *ret);
void manual_file(const struct schema *s, struct text *ret);

/* markdown.c: tables for the documents. */
void markdown_commands(struct text *ret);
void markdown_exit_codes(struct text *ret);
void markdown_keys(const struct schema *s, struct text *ret);

/* completion.c: a script for a shell: bash, zsh or fish. */
void completion_bash(struct text *ret);
void completion_zsh(struct text *ret);
void completion_fish(struct text *ret);

enum completion {
	COMPLETION_NONE, /* any text */
	COMPLETION_FILE,
	COMPLETION_DIRECTORY,
	COMPLETION_RECIPE,  /* a recipe's name or a file */
	COMPLETION_CHOICES, /* one of the words of "a|b" */
	COMPLETION_UNKNOWN, /* completion.c does not know this argument */
};
/* argument: as in an option's or a command's table. */
enum completion completion_of(const char *argument);
/* Of a command's plain arguments; appends the argument, or the choices as "a b", to ret_words. */
enum completion completion_of_command(const struct command *c, struct text *ret_words);
