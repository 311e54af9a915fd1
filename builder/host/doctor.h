/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The requirements of nodekiln on its host, as one table, and the results of checking this host. A new requirement is
 * a new row: a program, a file, or a check function.
 */
#include <stdbool.h>

#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

/* The commands that need it, as bits. */
enum { FOR_LOCK = 1, FOR_BUILD = 2, FOR_BOOT = 4, FOR_SEED = 8, FOR_PUBLISH = 16, FOR_DEPLOY = 32, FOR_ALL = 63 };

struct requirement {
	const char *name;    /* the program, or a short description */
	const char *path;    /* for a check of a file; else NULL */
	const char *package; /* the Debian package that contains it; NULL when there is none */
	unsigned commands;
	bool optional; /* recommended only: its absence is not a failure */
	/* False when it is missing; may explain in *ret_detail. */
	bool (*check)(const struct requirement *r, struct text *ret_detail);
	const char *why;
};

struct doctor_finding {
	const struct requirement *requirement; /* borrowed */
	bool ok;
	char *detail; /* owned; "" when there is nothing to add */
};

struct diagnosis {
	VEC(struct doctor_finding) findings;
};

extern const struct requirement doctor_requirements[];
extern const size_t doctor_requirements_count;

/* Checks the host. */
void doctor_examine(const struct requirement *requirements, size_t n, struct diagnosis *ret);
void doctor_done(struct diagnosis *d);

/* Pure functions of a diagnosis. */
/* Returns how many requirements of the given commands are missing; adds their names to *ret_names. */
size_t doctor_missing(const struct diagnosis *d, unsigned commands, struct strings *ret_names);
/* "apt-get install a b" for what the commands lack, each package once; adds nothing when no package would help. */
void doctor_apt_line(const struct diagnosis *d, unsigned commands, struct text *ret);
void doctor_print(const struct diagnosis *d, struct text *ret);
struct json *doctor_json(const struct diagnosis *d) MUST_CHECK;
