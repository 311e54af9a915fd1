/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Formatters of build progress: tables of functions that turn a phase into text, one table each for a
 * terminal, a log and machines (JSON). Pure: they append to *ret, and progress.c writes it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"

#define PHASE_NAME_MAX 32
#define PHASE_TEXT_MAX 160

struct phase {
	char name[PHASE_NAME_MAX];
	char text[PHASE_TEXT_MAX]; /* as given at the beginning, then at the end */
	double begin;              /* CLOCK_MONOTONIC seconds */
	double seconds;            /* taken, once it is not running */
	double cpu;                /* CPU seconds taken; while it runs: those of its process before */
	double reported;           /* when its progress was last reported; CLOCK_MONOTONIC seconds */
	uint64_t done, total;      /* bytes; total 0 = unknown */
	bool running;
};

struct progress_context {
	double now;       /* CLOCK_MONOTONIC */
	double date;      /* seconds since 1970 */
	unsigned columns; /* of the terminal; 0 = no terminal */
	bool color;
};

typedef void progress_phase_fn(const struct phase *p, const struct progress_context *c, struct text *ret);

struct progress_format {
	int fd;               /* 1 or 2 */
	unsigned interval_ms; /* the interval at which running phases are displayed */
	bool transient;       /* lines of `running` stay at the bottom of the terminal and are redrawn */
	progress_phase_fn *begin;
	/* Progress of a running phase. May add nothing when the last report is too recent. */
	void (*running)(struct phase *p, const struct progress_context *c, struct text *ret);
	progress_phase_fn *end;
	void (*notice)(const char *text, const struct progress_context *c, struct text *ret);
};

extern const struct progress_format progress_format_plain, progress_format_bar, progress_format_json;

/* JSON only: the last line. result is one JSON value. */
void progress_format_result(const char *result, const struct progress_context *c, struct text *ret);
void progress_format_failure(const struct error *err, const struct progress_context *c, struct text *ret);

/* "4.8 s", "3 min 07 s" */
void progress_format_seconds(double seconds, struct text *ret);
