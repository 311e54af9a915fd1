/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a report sounds: a table of functions that turn a phase into text, for people at a terminal, for logs and for
 * machines. Pure: what they add to *ret is written by progress.c, in one go.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"

#define PHASE_NAME_MAX 32
#define PHASE_TEXT_MAX 160

struct phase {
	char name[PHASE_NAME_MAX];
	char text[PHASE_TEXT_MAX]; /* of the beginning, then of the end */
	double begin;              /* CLOCK_MONOTONIC seconds */
	double seconds;            /* taken, once it is not running */
	double cpu;                /* CPU seconds taken; while it runs: what its process had taken before */
	double told;               /* when the voice last said that it goes on */
	uint64_t done, total;      /* bytes; total 0 = unknown */
	bool running;
};

struct progress_context {
	double now;       /* CLOCK_MONOTONIC */
	double date;      /* seconds since 1970 */
	unsigned columns; /* of the terminal; 0 = no terminal */
	bool color;
};

struct progress_format {
	int fd;           /* 1 or 2 */
	unsigned beat_ms; /* how often running phases are looked at */
	bool transient;   /* lines of `going` stand at the end of the terminal and are drawn over */
	void (*begin)(const struct phase *p, const struct progress_context *s, struct text *ret);
	/* p runs: how far it is. May add nothing when it is too early to say so again. */
	void (*going)(struct phase *p, const struct progress_context *s, struct text *ret);
	void (*end)(const struct phase *p, const struct progress_context *s, struct text *ret);
	void (*notice)(const char *text, const struct progress_context *s, struct text *ret);
};

extern const struct progress_format progress_format_plain, progress_format_bar, progress_format_json;

/* JSON only: the last line of a report. result is one JSON value. */
void progress_format_result(const char *result, const struct progress_context *s, struct text *ret);
void progress_format_failure(const struct error *err, const struct progress_context *s, struct text *ret);

/* "4.8 s", "3 min 07 s" */
void progress_format_seconds(double seconds, struct text *ret);
