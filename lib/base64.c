/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four digits encode three bytes; each '=' at the end means one byte less. */
struct quartet {
	uint32_t bits;
	int digits, padding;
};

static bool quartet_add(struct quartet *q, char c)
{
	const char *found = strchr(digits, c);

	if (c == '=')
		q->padding++;
	else if (!found || q->padding)
		return false;
	q->bits = q->bits << 6 | (c == '=' ? 0 : (uint32_t)(found - digits));
	q->digits++;
	return q->padding <= 2;
}

static void quartet_take(struct quartet *q, struct text *ret)
{
	const char bytes[] = { (char)(q->bits >> 16), (char)(q->bits >> 8), (char)q->bits };

	text_addn(ret, bytes, (size_t)(3 - q->padding));
	*q = (struct quartet){ .padding = q->padding };
}

bool base64_decode(const char *text, struct text *ret)
{
	struct quartet q = { 0 };

	for (; *text; text++) {
		if (strchr(" \t\r\n", *text))
			continue;
		if (!quartet_add(&q, *text))
			return false;
		if (q.digits == 4)
			quartet_take(&q, ret);
	}
	return q.digits == 0;
}

void base64_encode(const void *data, size_t len, struct text *ret)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;
		char out[4] = "====";

		bits |= n > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= n > 2 ? p[i + 2] : 0;
		for (size_t k = 0; k <= n; k++)
			out[k] = digits[bits >> (18 - 6 * k) & 63];
		text_addn(ret, out, sizeof out);
	}
}
