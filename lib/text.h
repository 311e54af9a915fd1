/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Strings that grow, and lists of strings. A zeroed value is valid and empty; data is NUL-terminated once something was
 * added.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/macro.h"
#include "lib/vec.h"

struct text {
	char *data; /* owned; NULL while nothing was added */
	size_t len, max;
};

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const void *bytes, size_t n);
void text_addf(struct text *t, const char *fmt, ...) PRINTF(2, 3);
/* Moves the string to the caller ("" when empty) and leaves t empty. */
char *text_take(struct text *t) MUST_CHECK;
/* Overwrites the bytes, which are a secret; t keeps its memory and its length. What a text that grew had before is overwritten
 * already. */
void text_wipe(struct text *t);
void text_done(struct text *t);
void text_wipe_done(struct text *t); /* both */

/* A list of owned strings. strings_argv() puts a NULL after the last one and returns at[]. */
struct strings {
	char **at;
	size_t n, max;
};

void strings_add(struct strings *l, const char *s);
void strings_addf(struct strings *l, const char *fmt, ...) PRINTF(2, 3);
/* The arguments end with NULL. */
void strings_add_all(struct strings *l, ...) __attribute__((sentinel));
void strings_append(struct strings *l, const struct strings *more);
/* Takes over a malloced string. */
void strings_own(struct strings *l, char *s);
bool strings_has(const struct strings *l, const char *s);
void strings_sort(struct strings *l);                        /* by byte value */
void text_add_list(struct text *t, const struct strings *l); /* "a, b, c" */
char **strings_argv(struct strings *l);
void strings_done(struct strings *l);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_same(const char *a, const char *b); /* NULL equals only NULL */
/* Removes white space at both ends, in place; returns the first character that is kept. */
char *text_trim(char *s);
/* text_utf8.c: UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(const char *s, size_t len);
/* The character at s, of which len (at least 1) bytes may be read: returns the number of its bytes. What is not UTF-8 is
 * TEXT_NO_CHARACTER, one byte. */
#define TEXT_NO_CHARACTER UINT32_MAX
size_t text_character(const char *s, size_t len, uint32_t *ret);
/* text_printable.c: whether a terminal could obey it, or a reader be misled by it. */
bool text_is_hidden(uint32_t character);
/* Replaces, in place, each byte that a terminal could obey by '?' (a tab by a blank): control characters of ASCII and Unicode,
 * those that reverse the direction of text, and what is not UTF-8. The length stays. */
void text_make_printable(char *s);
/* The same for a document: line feeds and tabs stay. */
void text_make_printable_lines(char *s);
/* "1.4 GiB", "212 MiB", "17 KiB", "9 B": in a ring of four static buffers, so that a printf can have several. */
const char *text_bytes(unsigned long long bytes);
/* Parses "10G", "512M", "4096" into bytes; false on anything else and on overflow. */
bool text_size(const char *s, unsigned long long *ret_bytes);
