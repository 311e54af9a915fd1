/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/progress/timings.h"

#include <string.h>

#define NAME_COLUMNS 16
#define NUMBER_COLUMNS 24
#define BAR_MIN 20
#define HALF_A_CORE 0.5
#define MORE_THAN_ONE_CORE 1.3

/* Rounds to milliseconds, which are exact enough and short. */
static double milli(double seconds)
{
	return (double)(long)(seconds * 1000 + 0.5) / 1000;
}

struct json *timings_json(const struct timings *w)
{
	struct json *object = json_object(), *phases = json_array();

	for (size_t i = 0; i < w->phases.n; i++) {
		const struct phase *p = &w->phases.at[i];
		struct json *phase = json_object();
		json_put_string(phase, "name", p->name);
		json_put_double(phase, "begin", milli(p->begin));
		json_put_double(phase, "wall", milli(p->seconds));
		json_put_double(phase, "cpu", milli(p->cpu));
		json_push(phases, phase);
	}
	json_put_double(object, "wall", milli(w->seconds));
	json_put_double(object, "cpu", milli(w->cpu));
	json_put(object, "phases", phases);
	return object;
}

static char bar_character(const struct phase *p)
{
	double cores = p->seconds > 0 ? p->cpu / p->seconds : 0;

	return cores < HALF_A_CORE ? '-' : cores < MORE_THAN_ONE_CORE ? '=' : '#';
}

/* Adds a bar from the beginning of the phase to its end; at least one character. */
static void add_bar(const struct phase *p, double scale, struct text *ret)
{
	unsigned begin = (unsigned)(p->begin * scale), end = (unsigned)((p->begin + p->seconds) * scale);
	char character = bar_character(p);

	text_addf(ret, "%*s", (int)begin, "");
	for (unsigned i = begin; i <= end; i++)
		text_addn(ret, &character, 1);
}

static unsigned name_columns(const struct timings *w)
{
	size_t longest = NAME_COLUMNS - 1;

	for (size_t i = 0; i < w->phases.n; i++)
		if (strlen(w->phases.at[i].name) > longest)
			longest = strlen(w->phases.at[i].name);
	return (unsigned)longest + 1;
}

void timings_text(const struct timings *w, unsigned columns, struct text *ret)
{
	unsigned names = name_columns(w), head = names + NUMBER_COLUMNS;
	unsigned width = columns > head + BAR_MIN ? columns - head : BAR_MIN;
	double scale = w->seconds > 0 ? (width - 1) / w->seconds : 0;

	text_addf(ret, "%-*s%7s%7s%7s  seconds; cores busy: - under half, = one, # more\n", (int)names, "phase",
		  "begin", "wall", "cpu");
	for (size_t i = 0; i < w->phases.n; i++) {
		const struct phase *p = &w->phases.at[i];
		text_addf(ret, "%-*s%7.1f%7.1f%7.1f  ", (int)names, p->name, p->begin, p->seconds, p->cpu);
		add_bar(p, scale, ret);
		text_add(ret, "\n");
	}
	text_addf(ret, "%-*s%7s%7.1f%7.1f\n", (int)names, "all", "", w->seconds, w->cpu);
}

void timings_done(struct timings *w)
{
	vec_done(&w->phases);
}
