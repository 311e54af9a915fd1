/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time: the wall clock as text for people, and monotonic seconds for time-outs.
 */
#include <time.h>

#define CLOCK_TEXT_MAX 32

/* "2026-11-22T10:00:00Z" (RFC 3339, UTC), into buffer, which it returns. */
const char *clock_text(time_t t, char buffer[CLOCK_TEXT_MAX]);
double clock_seconds(void); /* CLOCK_MONOTONIC */
/* Sleeps for about that long, at random up to a quarter more or less, so that nodes that booted together do not poll
 * together. */
void clock_nap(double seconds);
