/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What nodekiln needs of its host, as one table; and what a look at this host found. A new need is a new row: a program, a file,
 * or a check of its own.
 */
#include <stdbool.h>

#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

/* Who needs it, as bits. */
enum { FOR_LOCK = 1, FOR_BUILD = 2, FOR_BOOT = 4, FOR_ALL = 7 };

struct requirement {
	const char *name;    /* the program, or a word */
	const char *path;    /* for a check that looks at a file; else NULL */
	const char *package; /* the Debian package that brings it; NULL when none does */
	unsigned commands;
	bool optional; /* good to know, no failure */
	/* False when it is missing; says more in *ret_detail where there is more to say. */
	bool (*check)(const struct requirement *r, struct text *ret_detail);
	const char *why;
};

struct finding {
	const struct requirement *requirement; /* borrowed */
	bool ok;
	char *detail; /* owned; "" when there is nothing to add */
};

struct diagnosis {
	VEC(struct finding) findings;
};

extern const struct requirement doctor_requirements[];
extern const size_t doctor_requirements_count;

/* Looks at the host. */
void doctor_examine(const struct requirement *requirements, size_t n, struct diagnosis *ret);
void doctor_done(struct diagnosis *d);

/* Pure: of a diagnosis. */
/* How many things are missing that one of the commands cannot do without; their names are added to *ret_names. */
size_t doctor_missing(const struct diagnosis *d, unsigned commands, struct strings *ret_names);
/* "apt-get install a b" for what the commands lack, each package once; adds nothing when no package would help. */
void doctor_apt_line(const struct diagnosis *d, unsigned commands, struct text *ret);
void doctor_print(const struct diagnosis *d, struct text *ret);
struct json *doctor_json(const struct diagnosis *d) MUST_CHECK;
