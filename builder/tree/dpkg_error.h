/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Finds the cause of a failure in dpkg's output: the first error that it reports, with the lines around it. dpkg
 * continues after an error, so the end of its output says least about the cause.
 */
#include "lib/text.h"

#define DPKG_ERROR_BEFORE 4 /* lines: the last output of the maintainer script */
#define DPKG_ERROR_AFTER 3  /* lines: dpkg's reason */

struct dpkg_error {
	char *before[DPKG_ERROR_BEFORE]; /* owned; a ring buffer */
	unsigned next, after;
	struct text text; /* empty until an error is found */
};

/* Takes the next line of the output. */
void dpkg_error_line(struct dpkg_error *e, const char *line);
void dpkg_error_done(struct dpkg_error *e);
