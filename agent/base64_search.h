/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Finds a plaintext inside base64 data at any of its three alignments. Base64 encodes three bytes as four
 * digits, so the same text has three encodings, depending on how many bytes of its group precede it; its
 * first and last bits may share a digit with the neighbouring bytes.
 */
#include <stddef.h>

struct base64_search {
	char *find;                  /* owned; the digits that depend on the text alone */
	char *put;                   /* owned; as many digits of the replacement */
	unsigned head, tail;         /* bits of the text in the digit before find, and in the one after it */
	unsigned char before, after; /* the replacement's bits there */
};

/* put is as long as text. shift: 0, 1 or 2 bytes of something else precede the text in its group. */
struct base64_search base64_search_new(const char *text, const char *put, size_t shift);
/* Replaces all occurrences in data, also across line breaks (plain, or escaped as in JSON and Python).
 * Returns how many. */
size_t base64_search_replace(const struct base64_search *n, char *data, size_t len);
/* Overwrites find before freeing it. */
void base64_search_done(struct base64_search *n);
