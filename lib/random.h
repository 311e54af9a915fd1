/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Secrets that nobody can guess, from the kernel (getrandom(2)).
 */
#include <stddef.h>

/* n characters of alphabet (at most 256), each as likely as the other, and a NUL. */
void random_word(const char *alphabet, size_t n, char *ret);
