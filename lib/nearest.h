/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The word that a user may have meant: the one with the fewest typing errors (a letter too many, missing, wrong, or two exchanged), at
 * most one in three letters.
 */
#include "lib/text.h"

/* NULL = none is near. */
const char *nearest_word(const char *word, const struct strings *words);
/* Appends "; did you mean WORD?" when one is near. */
void nearest_add(const char *word, const struct strings *words, struct text *ret);
