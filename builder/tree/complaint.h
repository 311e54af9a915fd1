/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What went wrong in a long log of dpkg: the first error that it reports, with the lines around it. dpkg goes on after an error,
 * so that the end of its log says least.
 */
#include "lib/text.h"

#define COMPLAINT_BEFORE 4 /* lines: what the maintainer script said last */
#define COMPLAINT_AFTER 3  /* lines: dpkg's reason */

struct complaint {
	char *before[COMPLAINT_BEFORE]; /* owned; a ring */
	unsigned next, after;
	struct text text; /* "" while nothing went wrong */
};

void complaint_line(struct complaint *c, const char *line);
void complaint_done(struct complaint *c);
