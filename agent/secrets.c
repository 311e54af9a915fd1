/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/secrets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base64_search.h"
#include "lib/alloc.h"
#include "lib/node_config_schema.h"

#define SECRET_MIN 8 /* a shorter one would match by accident */
#define TOKEN_ID 6
#define TOKEN_LENGTH 23 /* [a-z0-9]{6}.[a-z0-9]{16} */
#define GZIP_MAGIC "\x1f\x8b\x08"
#define ALIGNMENTS 3

/* Writes zeros in the secret's form, so that the file stays valid. */
static void zero(char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isalnum((unsigned char)from[i]))
			from[i] = '0';
}

static void add_encoded(struct searches *searches, const char *text, const char *put)
{
	for (size_t shift = 0; shift < ALIGNMENTS; shift++)
		vec_push(searches, base64_search_new(text, put, shift));
}

static void add_secret(struct secrets *s, const char *secret)
{
	size_t first = s->encoded.n;

	if (!secret || strlen(secret) < SECRET_MIN)
		return;
	if (!secret[strspn(secret, "0.-")]) {
		s->zeroed = true;
		return;
	}
	CLEANUP(free_p) char *put = xstrdup(secret);
	zero(put, strlen(put));
	strings_add(&s->plain, secret);
	add_encoded(&s->encoded, secret, put);
	/* A base64 part of a MIME message can contain a base64 file of write_files. */
	for (size_t i = first; i < first + ALIGNMENTS; i++)
		add_encoded(&s->encoded, s->encoded.at[i].find, s->encoded.at[i].put);
}

void secrets_of(const struct node_config *node, struct secrets *ret)
{
	for (size_t i = 0; i < node_config_fields_n; i++)
		if (node_config_fields[i].secret)
			add_secret(ret, *(char *const *)node_config_field_at(&node_config_fields[i], node));
	/* The part after the dot is the secret one; it also occurs alone. */
	if (node->token && strlen(node->token) == TOKEN_LENGTH)
		add_secret(ret, node->token + TOKEN_ID + 1);
}

void secrets_done(struct secrets *s)
{
	for (size_t i = 0; i < s->plain.n; i++)
		explicit_bzero(s->plain.at[i], strlen(s->plain.at[i]));
	strings_done(&s->plain);
	for (size_t i = 0; i < s->encoded.n; i++)
		base64_search_done(&s->encoded.at[i]);
	vec_done(&s->encoded);
}

static size_t zero_plain(const char *secret, char *data, size_t len)
{
	size_t n = strlen(secret), found = 0;
	char *end = data + len;

	for (char *p = data; (p = memmem(p, (size_t)(end - p), secret, n)); p += n, found++)
		zero(p, n);
	return found;
}

size_t secrets_zero(const struct secrets *s, char *data, size_t len)
{
	size_t found = 0;

	for (size_t i = 0; i < s->plain.n; i++)
		found += zero_plain(s->plain.at[i], data, len);
	for (size_t i = 0; i < s->encoded.n; i++)
		found += base64_search_replace(&s->encoded.at[i], data, len);
	return found;
}

static bool has(const char *data, size_t len, const char *text)
{
	return memmem(data, len, text, strlen(text)) != NULL;
}

bool secrets_hidden_by_gzip(const char *data, size_t len)
{
	/* The magic number begins the inner base64, so that has one alignment; the outer base64 can have any. */
	struct base64_search once = base64_search_new(GZIP_MAGIC, GZIP_MAGIC, 0);
	bool found = has(data, len, GZIP_MAGIC) || has(data, len, once.find);

	for (size_t shift = 0; shift < ALIGNMENTS; shift++) {
		struct base64_search twice = base64_search_new(once.find, once.find, shift);
		found = found || has(data, len, twice.find);
		base64_search_done(&twice);
	}
	base64_search_done(&once);
	return found;
}
