/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A subcommand is one struct in one cmd_NAME.c: its options as a table, its help from the same table, its run function. main.c
 * has the list.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

enum option_kind { OPTION_FLAG, OPTION_VALUE, OPTION_LIST };

struct option_spec {
	const char *name; /* "--out" */
	enum option_kind kind;
	void *target;         /* bool *, const char **, struct strings * */
	const char *argument; /* "DIR" for help; NULL for a flag */
	const char *help;
};

struct command {
	const char *name;
	const char *arguments;                                /* "[RECIPE]" */
	const char *summary;                                  /* one line */
	const struct option_spec *options;                    /* ends with a NULL name */
	int min, max;                                         /* how many plain arguments */
	int (*run)(int argc, char **argv, struct error *err); /* plain arguments only */
};

extern const struct command command_build, command_lock, command_plan, command_inspect, command_verify, command_boot,
	command_seed, command_publish, command_deploy, command_destroy, command_roles, command_doctor, command_cache,
	command_diff;
