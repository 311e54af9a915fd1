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

#define COMMIT_STEPS_MAX 64

enum commit_action { COMMIT_ADD, COMMIT_REPLACE, COMMIT_RETIRE };

struct commit_step {
	enum commit_action action;
	char sha256[65]; /* of the new file; "" for retire */
	char *name;      /* owned */
};

struct commit {
	VEC(struct commit_step) step;
};

void commit_add(struct commit *c, enum commit_action action, const char *sha256, const char *name);
/* One line a step: "replace HEX NAME". */
void commit_print(const struct commit *c, struct text *ret);
int commit_parse(const char *text, struct commit *ret, struct error *err) MUST_CHECK;
void commit_done(struct commit *c);

int commit_forward(const struct commit *c, int dirfd, int stagefd, struct error *err) MUST_CHECK;
int commit_back(const struct commit *c, int dirfd, int stagefd, struct error *err) MUST_CHECK;
