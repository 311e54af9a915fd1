/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The options --json, --plain and --verbose of commands that take their time, and running such a command with its progress on stderr:
 *
 *	static struct progress_options shown;
 *	static const struct option_spec options[] = { ..., PROGRESS_OPTIONS(shown, "print each step"), { 0 } };
 *	return progress_options_run(&shown, "what was made stays", make, err);
 */
#include <stdbool.h>

#include "builder/progress/progress.h"
#include "lib/error.h"
#include "lib/text.h"

struct progress_options {
	bool json, plain, verbose;
};

/* Rows of an option table. more: what --verbose does. */
#define PROGRESS_OPTIONS(o, more)                                                                                      \
	{ "--json", OPTION_FLAG, &(o).json, NULL, "print events as JSON, one object per line" },                       \
		{ "--plain", OPTION_FLAG, &(o).plain, NULL, "print plain lines even on a terminal" },                  \
	{                                                                                                              \
		"--verbose", OPTION_FLAG, &(o).verbose, NULL, more                                                     \
	}

/* Opens the progress as the options say; progress_close() is the caller's. */
void progress_options_open(const struct progress_options *o);
/* Calls act between progress_open() and progress_close(). What it adds to *output is printed when it succeeds, but not with --json.
 * interrupted: as of interrupt_say(). */
int progress_options_run(const struct progress_options *o, const char *interrupted,
			 int (*act)(struct text *output, struct error *err), struct error *err) MUST_CHECK;
