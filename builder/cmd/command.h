/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A subcommand is one struct in one cmd_NAME.c: its options as a table, its texts, and its run function. The parser (command.c), the
 * help (help.c), the manual pages (manual.c) and the shell completions (completion.c) all walk these tables. command.c has the list.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"

enum option_kind { OPTION_FLAG, OPTION_VALUE, OPTION_LIST, OPTION_URL };

struct option_spec {
	const char *name; /* "--out" */
	enum option_kind kind;
	void *target; /* bool *, const char **, struct strings *; of OPTION_URL const char **, without user and password */
	const char *argument; /* "DIR", or its values: "bios|uefi"; NULL for a flag; completion.c must know it */
	const char *help;
};

struct command {
	const char *name;
	const char *arguments;             /* "[RECIPE]"; words as option_spec.argument */
	const char *summary;               /* one line */
	const char *description;           /* for the manual page; a paragraph per line; `x` is literal */
	const char *const *examples;       /* command lines; ends with NULL */
	const struct option_spec *options; /* ends with a NULL name */
	int min, max;                      /* how many plain arguments */
	bool secrets;                      /* it holds secrets: no core dump, no other process reads its memory */
	int (*run)(int argc, char **argv, struct error *err); /* plain arguments only */
};

extern const struct command command_build, command_lock, command_plan, command_inspect, command_verify, command_boot,
	command_seed, command_publish, command_deploy, command_destroy, command_roles, command_doctor, command_cache,
	command_diff, command_help;

/* In the order of the help; ends with NULL. */
extern const struct command *const commands[];
/* Those of every command; ends with a NULL name. */
extern const struct option_spec common_options[];

struct exit_code {
	int code;
	const char *text;
};
extern const struct exit_code exit_codes[]; /* ends with a NULL text */

/* NULL when there is no such command. */
const struct command *command_find(const char *name);
/* The error for a name that is none of them. */
int command_unknown(const char *name, struct error *err);
/* To stdout, with what a terminal could obey replaced: names in it may come from an image or a server. */
void command_print(struct text *text);
/* Fills the options' targets and puts the plain arguments into words; 1 for --help. */
int command_read(const struct command *c, int argc, char **argv, struct strings *words, struct error *err) MUST_CHECK;
