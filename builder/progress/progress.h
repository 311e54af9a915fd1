/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a build tells while it runs: bars on a terminal (phase, bytes, time), plain lines otherwise, JSON events with
 * --json (on stdout, one object a line). progress_format.h has the wording.
 *
 * The phases live in memory shared with forked jobs (job.h), so jobs report as the build itself does; progress_update()
 * only notes numbers there. A small process of our own, the ticker, looks at them a few times a second and shows them,
 * so that time goes on while nobody reports. It ends with us, even when we are killed.
 *
 * Every message is one write(2). Nothing here can fail a build; before progress_open() all of it does nothing,
 * but that a notice is logged.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/progress/timings.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/macro.h"

/* AUTO is BAR when stderr is a terminal that can do it (TERM is not dumb, CI is not set), else PLAIN. */
enum progress_style { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_BAR, PROGRESS_JSON };

void progress_open(enum progress_style style);
void progress_close(void);

/* Phases may overlap (jobs); name is a stable identifier such as "unpack". The text says what is being done ("" =
 * nothing to add), the one at the end what was done. */
void progress_begin(const char *phase, const char *fmt, ...) PRINTF(2, 3);
void progress_update(const char *phase, uint64_t done, uint64_t total); /* bytes; total 0 = unknown */
/* Notes the seconds taken; to be called by the process that began it. */
void progress_end(const char *phase, const char *fmt, ...) PRINTF(2, 3);
/* A line that must be seen: end-of-life versions and the like. */
void progress_notice(const char *fmt, ...) PRINTF(1, 2);
void progress_result(const struct json *result); /* --json: the last event; else nothing */
void progress_failure(const struct error *err);  /* --json: the last event; else nothing, the caller logs it */
/* Every phase that ended, of jobs too. Caller ends it with timings_done(). */
void progress_timings(struct timings *ret);
