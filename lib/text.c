/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

#define SECRET_MAX (1 << 20) /* texts with secrets are smaller */

/* realloc(3) would leave the old bytes where they were, and they may be a secret. */
static char *move(struct text *t, size_t max)
{
	char *data = xmalloc(max);

	if (t->data)
		memcpy(data, t->data, t->len + 1);
	text_wipe(t);
	free(t->data);
	return data;
}

static void text_reserve(struct text *t, size_t more)
{
	size_t need = t->len + more + 1;

	if (need <= t->max)
		return;
	size_t max = need > 2 * t->max ? need : 2 * t->max;
	t->data = t->len < SECRET_MAX ? move(t, max) : xrealloc(t->data, max, 1);
	t->max = max;
}

void text_addn(struct text *t, const void *bytes, size_t n)
{
	text_reserve(t, n);
	if (n)
		memcpy(t->data + t->len, bytes, n);
	t->len += n;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(wipe_p) char *s = xvasprintf(fmt, ap);
	va_end(ap);
	text_add(t, s);
}

char *text_take(struct text *t)
{
	text_reserve(t, 0);
	t->data[t->len] = '\0';
	char *s = t->data;
	*t = (struct text){ 0 };
	return s;
}

void text_wipe(struct text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->len);
}

void text_done(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

void text_wipe_done(struct text *t)
{
	text_wipe(t);
	text_done(t);
}

void strings_own(struct strings *l, char *s)
{
	vec_push(l, s);
}

void strings_add(struct strings *l, const char *s)
{
	strings_own(l, xstrdup(s));
}

void strings_addf(struct strings *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strings_own(l, xvasprintf(fmt, ap));
	va_end(ap);
}

void strings_add_all(struct strings *l, ...)
{
	va_list ap;
	const char *s;

	va_start(ap, l);
	while ((s = va_arg(ap, const char *)))
		strings_add(l, s);
	va_end(ap);
}

void strings_append(struct strings *l, const struct strings *more)
{
	for (size_t i = 0; i < more->n; i++)
		strings_add(l, more->at[i]);
}

bool strings_has(const struct strings *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->at[i], s))
			return true;
	return false;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *l)
{
	if (l->n > 1)
		qsort(l->at, l->n, sizeof *l->at, compare_strings);
}

void text_add_list(struct text *t, const struct strings *l)
{
	for (size_t i = 0; i < l->n; i++)
		text_addf(t, "%s%s", i ? ", " : "", l->at[i]);
}

char **strings_argv(struct strings *l)
{
	vec_push(l, NULL);
	l->n--;
	return l->at;
}

void strings_done(struct strings *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	vec_done(l);
}

bool text_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

bool text_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

char *text_trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	for (size_t n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

const char *text_bytes(unsigned long long bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	static _Thread_local char ring[4][24];
	static _Thread_local unsigned turn;
	char *out = ring[turn++ % ARRAY_SIZE(ring)];
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, sizeof ring[0], unit && value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

bool text_size(const char *s, unsigned long long *ret_bytes)
{
	static const char suffixes[] = "KMGT";
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	unsigned long long n = strtoull(s, &end, 10);
	if (errno)
		return false;
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	if (*end && (!suffix || (end[1] && strcmp(end + 1, "iB"))))
		return false;
	for (int i = 0; suffix && i <= suffix - suffixes; i++)
		if (__builtin_mul_overflow(n, 1024ULL, &n))
			return false;
	*ret_bytes = n;
	return true;
}
