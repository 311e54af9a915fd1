/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The timings of a build: when each phase ran, and its wall and CPU seconds. `build --timings` prints them,
 * the manifest records them, tests/bench draws them. Pure: progress.c measures.
 */
#include "builder/progress/progress_format.h"
#include "lib/json.h"
#include "lib/vec.h"

struct timings {
	double seconds, cpu; /* of the whole build so far; CPU seconds include children that have ended */
	/* Those that have ended, in the order of their beginning; begin counts from the start of the build. */
	VEC(struct phase) phases;
};

/* {"wall": 17.2, "cpu": 31.0, "phases": [{"name": "unpack-base", "begin": 0.3, "wall": 4.8, "cpu": 9.2}, ...]} */
struct json *timings_json(const struct timings *w) MUST_CHECK;
/* A line a phase, with a bar whose character is the number of cores that were busy with it: '-' less than
 * half of one, '=' about one, '#' more. */
void timings_text(const struct timings *w, unsigned columns, struct text *ret);
void timings_done(struct timings *w);
