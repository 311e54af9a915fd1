/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text that grows, and lists of text. A zeroed value is valid and empty; data is always terminated once something was
 * added.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"
#include "lib/vec.h"

struct text {
	char *data; /* owned; NULL while nothing was added */
	size_t len, max;
};

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const void *bytes, size_t n);
void text_addf(struct text *t, const char *fmt, ...) PRINTF(2, 3);
/* Hands the string to the caller ("" when empty) and leaves t empty. */
char *text_take(struct text *t) MUST_CHECK;
void text_done(struct text *t);

/* A list of owned strings. strings_argv() gives it a terminating NULL beyond n and returns at[]. */
struct strings {
	char **at;
	size_t n, max;
};

void strings_add(struct strings *l, const char *s);
void strings_addf(struct strings *l, const char *fmt, ...) PRINTF(2, 3);
/* Adds every argument up to the NULL that ends them. */
void strings_add_all(struct strings *l, ...) __attribute__((sentinel));
void strings_append(struct strings *l, const struct strings *more);
/* Takes over a malloced string. */
void strings_own(struct strings *l, char *s);
bool strings_has(const struct strings *l, const char *s);
void strings_sort(struct strings *l); /* by byte value */
char **strings_argv(struct strings *l);
void strings_done(struct strings *l);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_same(const char *a, const char *b); /* NULL equals NULL only */
/* Cuts white space at both ends, in place; returns the first character kept. */
char *text_trim(char *s);
/* "1.4 GiB", "212 MiB", "17 KiB", "9 B": into a static ring of buffers, good for a few calls in one printf. */
const char *text_bytes(unsigned long long bytes);
/* "10G", "512M", "4096" to bytes; false on anything else or overflow. */
bool text_size(const char *s, unsigned long long *ret_bytes);
