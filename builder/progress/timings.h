/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What ran when: a build's phases beside each other, wall and CPU seconds of each. `build --timings` prints it, the manifest
 * keeps it, tests/bench draws it. Pure: progress.c takes the times.
 */
#include "builder/progress/progress_format.h"
#include "lib/json.h"
#include "lib/vec.h"

struct timings {
	double seconds, cpu;      /* of the whole so far, its ended children counted */
	VEC(struct phase) phases; /* that ended, as they began; begin counts from the start of the whole */
};

/* {"wall": 17.2, "cpu": 31.0, "phases": [{"name": "unpack-base", "begin": 0.3, "wall": 4.8, "cpu": 9.2}, ...]} */
struct json *timings_json(const struct timings *w) MUST_CHECK;
/* A line a phase with a bar, whose character tells how many cores were busy with it: '-' less than half of one, '=' about one,
 * '#' more. */
void timings_text(const struct timings *w, unsigned columns, struct text *ret);
void timings_done(struct timings *w);
