/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Secrets that cannot be guessed, from the kernel (getrandom(2)).
 */
#include <stddef.h>

/* n characters of alphabet (at most 256), uniformly distributed, and a NUL. */
void random_word(const char *alphabet, size_t n, char *ret);
