/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A SHA256SUMS file as `sha256sum -c` reads it: "HEX  NAME" lines, here kept sorted by name.
 */
#include <stddef.h>

#include "lib/text.h"
#include "lib/vec.h"

#define SUMS_SIZE_MAX (1 << 20)

struct sum {
	char sha256[65];
	char *name; /* owned */
};

struct sums {
	VEC(struct sum) line;
};

/* Adds the lines of a text; what is not such a line is left out, a name that comes twice counts once (the last). */
void sums_parse(const char *text, struct sums *ret);
void sums_set(struct sums *s, const char *name, const char *sha256);
void sums_drop(struct sums *s, const char *name);
/* NULL when the name has no line. */
const char *sums_find(const struct sums *s, const char *name);
void sums_print(const struct sums *s, struct text *ret);
void sums_done(struct sums *s);
