/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The messages that are known, for verdict.c alone. A row matches a line that holds all its fragments, whatever stands between.
 */
#include "agent/verdict.h"

struct verdict_row {
	enum verdict_class class;
	const char *fragment[3]; /* the unused ones are NULL */
	const char *advice;      /* what failed and what to do, for a person */
};

extern const struct verdict_row verdict_rows[]; /* ends with a row without fragments */
