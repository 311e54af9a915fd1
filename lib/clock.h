/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time: what the wall clock says, for people; seconds that only go forward, for waiting.
 */
#include <time.h>

#define CLOCK_TEXT_MAX 32

/* "2026-11-22T10:00:00Z" (RFC 3339, UTC). */
const char *clock_text(time_t t, char buffer[CLOCK_TEXT_MAX]);
double clock_seconds(void);
/* Sleeps about so long: up to a quarter more or less at random, so that nodes that booted together do not ask together. */
void clock_nap(double seconds);
