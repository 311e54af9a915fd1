/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A SHA256SUMS file as `sha256sum -c` reads it: "HEX  NAME" lines, here kept sorted by name.
 */
#include <stddef.h>

#include "lib/text.h"
#include "lib/vec.h"

#define SHA256SUMS_SIZE_MAX (1 << 20)

struct sha256sums_line {
	char sha256[65];
	char *name; /* owned */
};

struct sha256sums {
	VEC(struct sha256sums_line) line;
};

/* Adds the lines of a text. Other lines are ignored; of several lines with one name the last counts. */
void sha256sums_parse(const char *text, struct sha256sums *ret);
void sha256sums_set(struct sha256sums *s, const char *name, const char *sha256);
void sha256sums_drop(struct sha256sums *s, const char *name);
/* NULL when the name has no line. */
const char *sha256sums_find(const struct sha256sums *s, const char *name);
void sha256sums_print(const struct sha256sums *s, struct text *ret);
void sha256sums_done(struct sha256sums *s);
