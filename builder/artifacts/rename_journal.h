/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A commit: the steps by which staged files take their places in a directory, as data that can be written down, read
 *back after a crash and executed again from wherever it stopped.
 *
 *	add      stage/NAME -> NAME		undone by removing NAME
 *	replace  NAME also becomes stage/old/NAME, stage/NAME -> NAME	undone by stage/old/NAME -> NAME
 *	retire   NAME -> stage/old/NAME		the same
 *
 * Whether a step was done can be seen from where its files are; so each may be repeated, forward and back.
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

void rename_journal_add(struct rename_journal *c, enum rename_journal_action action, const char *sha256,
			const char *name);
/* One line a step: "replace HEX NAME". */
void rename_journal_print(const struct rename_journal *c, struct text *ret);
int rename_journal_parse(const char *text, struct rename_journal *ret, struct error *err) MUST_CHECK;
void rename_journal_done(struct rename_journal *c);

int rename_journal_forward(const struct rename_journal *c, int dirfd, int stagefd, struct error *err) MUST_CHECK;
int rename_journal_back(const struct rename_journal *c, int dirfd, int stagefd, struct error *err) MUST_CHECK;
