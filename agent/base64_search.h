/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A text inside of somebody else's base64. Three bytes are four digits there, so a text looks in three ways, by how many bytes
 * before it belong to the same group; and its first and last bits may share a digit with a neighbour's.
 */
#include <stddef.h>

struct base64_search {
	char *find;                  /* owned; the digits that are the text's alone */
	char *put;                   /* owned; as many of the replacement, between the two it shares */
	unsigned head, tail;         /* bits of the text in the digit before and in the one behind */
	unsigned char before, after; /* the replacement's bits there */
};

/* put is as long as text. shift: 0, 1 or 2 bytes of something else are before it in its group. */
struct base64_search base64_search_new(const char *text, const char *put, size_t shift);
/* Replaces all that are in data, also across line breaks (as they are, or as JSON and Python write them). Returns how many. */
size_t base64_search_replace(const struct base64_search *n, char *data, size_t len);
/* Overwrites it first. */
void base64_search_done(struct base64_search *n);
