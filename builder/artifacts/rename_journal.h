/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A journal of renames: the steps that move staged files to their final names, as data that can be written
 * to a file, read back after a crash and executed again.
 *
 *	action   forward                                                back
 *	add      rename stage/NAME to NAME                              remove NAME
 *	replace  link NAME to stage/old/NAME, rename stage/NAME to NAME rename stage/old/NAME to NAME
 *	retire   rename NAME to stage/old/NAME                          rename stage/old/NAME to NAME
 *
 * Which of a step's files exist shows whether it has been done, so each step may be repeated, forward and
 * back.
 */
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define RENAME_JOURNAL_STEPS_MAX 64

enum rename_journal_action { RENAME_JOURNAL_ADD, RENAME_JOURNAL_REPLACE, RENAME_JOURNAL_RETIRE };

struct rename_journal_step {
	enum rename_journal_action action;
	char sha256[65]; /* of the new file; "" for retire */
	char *name;      /* owned */
};

struct rename_journal {
	VEC(struct rename_journal_step) step;
};

void rename_journal_add(struct rename_journal *j, enum rename_journal_action action, const char *sha256,
			const char *name);
/* One line a step: "replace HEX NAME". */
void rename_journal_print(const struct rename_journal *j, struct text *ret);
/* A line that is not a step, or too many of them, is ERROR_FAILED. */
int rename_journal_parse(const char *text, struct rename_journal *ret, struct error *err) MUST_CHECK;
void rename_journal_done(struct rename_journal *j);

/* Execute all steps: forward in order, back in reverse order. */
int rename_journal_forward(const struct rename_journal *j, int dirfd, int stagefd, struct error *err) MUST_CHECK;
int rename_journal_back(const struct rename_journal *j, int dirfd, int stagefd, struct error *err) MUST_CHECK;
