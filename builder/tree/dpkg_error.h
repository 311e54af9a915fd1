/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What went wrong in a long log of dpkg: the first error that it reports, with the lines around it. dpkg goes on after an error,
 * so that the end of its log says least.
 */
#include "lib/text.h"

#define DPKG_ERROR_BEFORE 4 /* lines: what the maintainer script said last */
#define DPKG_ERROR_AFTER 3  /* lines: dpkg's reason */

struct dpkg_error {
	char *before[DPKG_ERROR_BEFORE]; /* owned; a ring */
	unsigned next, after;
	struct text text; /* "" while nothing went wrong */
};

void dpkg_error_line(struct dpkg_error *c, const char *line);
void dpkg_error_done(struct dpkg_error *c);
