/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Build progress: bars on a terminal (phase, bytes, time), plain lines otherwise, JSON events with --json (on
 * stdout, one object a line). progress_format.h formats them.
 *
 * The phases are in memory shared with forked jobs (job.h), so that jobs report as the build itself does;
 * progress_update() only stores numbers there. A small child process, the ticker, reads them a few times a
 * second and displays them, so that the elapsed time advances between reports. It ends with its parent, even
 * when the parent is killed.
 *
 * Every message is one write(2). Nothing here can fail a build. Before progress_open() the functions do
 * nothing, except that a notice is logged.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/progress/timings.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/macro.h"

/* AUTO is BAR when stderr is a terminal, TERM is set and not "dumb" and CI is not set; else PLAIN. */
enum progress_style { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_BAR, PROGRESS_JSON };

void progress_open(enum progress_style style);
void progress_close(void);
/* For signal handlers: the ticker ends at once, and what was drawn stays, above what is written to the terminal next. */
void progress_abandon(void);

/* Phases may overlap (jobs). phase is a stable identifier such as "unpack"; the text says what is being done
 * ("" = nothing to add), the text at the end what was done. */
void progress_begin(const char *phase, const char *fmt, ...) PRINTF(2, 3);
void progress_update(const char *phase, uint64_t done, uint64_t total); /* bytes; total 0 = unknown */
/* Records the seconds taken. To be called by the process that began the phase, whose CPU time is counted. */
void progress_end(const char *phase, const char *fmt, ...) PRINTF(2, 3);
/* A warning that the user must see, such as an end-of-life version. */
void progress_notice(const char *fmt, ...) PRINTF(1, 2);
void progress_result(const struct json *result); /* --json: the last event; else nothing */
void progress_failure(const struct error *err);  /* --json: the last event; else nothing, the caller logs it */
/* Every phase that has ended, those of jobs included. The caller frees it with timings_done(). */
void progress_timings(struct timings *ret);
