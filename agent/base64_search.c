/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base64_search.h"

#include <stdlib.h>
#include <string.h>

#include "agent/secrets.h"
#include "lib/alloc.h"
#include "lib/base64.h"

#define DIGIT_BITS 6

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char digit)
{
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Encodes text as it appears after `shift` bytes of something else, here zeros. */
static char *encode_behind(const char *text, size_t shift)
{
	CLEANUP(text_done) struct text bytes = { 0 };
	struct text encoded = { 0 };

	text_addn(&bytes, "\0\0", shift);
	text_add(&bytes, text);
	base64_encode(bytes.data, bytes.len, &encoded);
	text_wipe(&bytes);
	return text_take(&encoded);
}

struct base64_search base64_search_new(const char *text, const char *put, size_t shift)
{
	CLEANUP(free_p) char *find = encode_behind(text, shift);
	CLEANUP(free_p) char *with = encode_behind(put, shift);
	size_t bits = (shift + strlen(text)) * 8;
	size_t first = (shift * 8 + DIGIT_BITS - 1) / DIGIT_BITS, end = bits / DIGIT_BITS;
	struct base64_search n = {
		.find = xstrndup(find + first, end - first),
		.put = xstrndup(with + first, end - first),
		.head = (unsigned)(first * DIGIT_BITS - shift * 8),
		.tail = (unsigned)(bits % DIGIT_BITS),
	};

	n.before = n.head ? (unsigned char)value_of(with[first - 1]) : 0;
	n.after = n.tail ? (unsigned char)value_of(with[end]) : 0;
	explicit_bzero(find, strlen(find));
	return n;
}

/* The length of the line break at p: one byte, or two when it is escaped; 0 = there is none. */
static size_t line_break(const char *p, const char *end)
{
	if (p == end)
		return 0;
	if (*p == '\n' || *p == '\r')
		return 1;
	return end - p >= 2 && p[0] == '\\' && (p[1] == 'n' || p[1] == 'r') ? 2 : 0;
}

/* The length of the match at p, line breaks inside it included; 0 = there is none. */
static size_t match(const char *find, const char *p, const char *end)
{
	const char *start = p;

	while (*find && p < end && p - start < SECRETS_SPAN_MAX) {
		size_t skip = p > start ? line_break(p, end) : 0;
		if (!skip && *p != *find)
			return 0;
		p += skip ? skip : 1;
		find += !skip;
	}
	return *find ? 0 : (size_t)(p - start);
}

/* The last digit before p, in data that begins at start; NULL = there is none. */
static char *digit_before(char *p, const char *start)
{
	while (p > start && (p[-1] == '\n' || p[-1] == '\r' || (p - start >= 2 && line_break(p - 2, p) == 2)))
		p -= p[-1] == '\n' || p[-1] == '\r' ? 1 : 2;
	return p > start && value_of(p[-1]) >= 0 ? p - 1 : NULL;
}

static char *digit_behind(char *p, const char *end)
{
	for (size_t skip; (skip = line_break(p, end));)
		p += skip;
	return p < end && value_of(*p) >= 0 ? p : NULL;
}

/* Replaces the masked bits; the other bits belong to the neighbour and stay. */
static void put_bits(char *digit, unsigned mask, unsigned with)
{
	if (digit && mask)
		*digit = digits[((unsigned)value_of(*digit) & ~mask) | with];
}

static void replace_at(const struct base64_search *n, char *p, size_t size, const char *start, const char *end)
{
	const char *put = n->put;

	put_bits(digit_before(p, start), (1u << n->head) - 1, n->before);
	put_bits(digit_behind(p + size, end), ((1u << n->tail) - 1) << (DIGIT_BITS - n->tail), n->after);
	for (char *at = p; *put; at++) {
		for (size_t skip; (skip = line_break(at, p + size));)
			at += skip;
		*at = *put++;
	}
}

size_t base64_search_replace(const struct base64_search *n, char *data, size_t len)
{
	const char *end = data + len;
	size_t found = 0;

	for (char *p = data; (p = memchr(p, *n->find, (size_t)(end - p))); p++) {
		size_t size = match(n->find, p, end);
		if (size)
			replace_at(n, p, size, data, end);
		found += size > 0;
	}
	return found;
}

void base64_search_done(struct base64_search *n)
{
	wipe_free(n->find);
	free(n->put);
}
