/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Allocation that cannot fail: out of memory ends the program with one sentence and exit code 1. That is safe anywhere,
 * because outputs are published by rename. Callers check the size of external input against a named limit BEFORE they
 * allocate.
 */
#include <stdarg.h>
#include <stddef.h>

#include "lib/macro.h"

void *xmalloc(size_t size) MUST_CHECK;
void *xcalloc(size_t count, size_t size) MUST_CHECK;
void *xrealloc(void *old, size_t count, size_t size) MUST_CHECK;
char *xstrdup(const char *text) MUST_CHECK;
char *xstrdup_or_null(const char *text) MUST_CHECK; /* NULL of NULL */
char *xstrndup(const char *text, size_t max) MUST_CHECK;
char *xasprintf(const char *fmt, ...) MUST_CHECK PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) MUST_CHECK PRINTF(1, 0);

/* Overwrite a secret before it is freed; NULL is fine. wipe_p() is for CLEANUP(), and leaves NULL. */
void wipe_free(char *secret);
void wipe_p(char **secret);
