/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/secrets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"

#define PIECE_MIN 8 /* characters of a secret that are no coincidence */
#define TOKEN_ID 6
#define TOKEN_LENGTH 23 /* [a-z0-9]{6}.[a-z0-9]{16} */
#define KEY_LENGTH 64   /* a certificate key in hex */

/* Base64 of text, when `shift` bytes of something else are before it in a group of three: without the digits at both ends that
 * hold bits of the neighbours. */
static char *encoded_at(const char *text, size_t shift)
{
	CLEANUP(text_done) struct text bytes = { 0 };
	struct text digits = { 0 };

	text_addn(&bytes, "\0\0", shift);
	text_add(&bytes, text);
	base64_encode(bytes.data, bytes.len, &digits);
	size_t whole = bytes.len * 8 / 6, first = (shift * 8 + 5) / 6;
	memmove(digits.data, digits.data + first, whole - first);
	digits.data[whole - first] = '\0';
	return text_take(&digits);
}

static void add_encoded(struct strings *list, const char *text)
{
	for (size_t shift = 0; shift < 3; shift++)
		strings_own(list, encoded_at(text, shift));
}

static void add_secret(struct secrets *s, const char *secret)
{
	size_t first = s->encoded.n;

	/* One that was zeroed already is read back from node.yaml when a wipe that was cut off goes on. */
	if (!secret || strlen(secret) < PIECE_MIN || !secret[strspn(secret, "0.-")])
		return;
	strings_add(&s->plain, secret);
	add_encoded(&s->encoded, secret);
	/* A base64 part of a MIME message, with a base64 file of write_files in it. */
	for (size_t i = first; i < first + 3; i++)
		add_encoded(&s->encoded, s->encoded.at[i]);
}

void secrets_of(const struct node *node, struct secrets *ret)
{
	add_secret(ret, node->token);
	/* Joining nodes hand on the half behind the dot alone, too. */
	if (node->token && strlen(node->token) == TOKEN_LENGTH)
		add_secret(ret, node->token + TOKEN_ID + 1);
	add_secret(ret, node->certificate_key);
	add_secret(ret, node->proxmox.token_secret);
}

static void strings_forget(struct strings *l)
{
	for (size_t i = 0; i < l->n; i++)
		explicit_bzero(l->at[i], strlen(l->at[i]));
	strings_done(l);
}

void secrets_done(struct secrets *s)
{
	strings_forget(&s->plain);
	strings_forget(&s->encoded);
}

/* Over what is not visible punctuation of the secret's form, so that a token still looks like one. */
static void cover(char *from, size_t n, char with)
{
	for (size_t i = 0; i < n; i++)
		if (isalnum((unsigned char)from[i]) || from[i] == '+' || from[i] == '/')
			from[i] = with;
}

/* How far a line break in base64 goes: as itself, or as JSON and Python's repr write it. */
static size_t line_break(const char *p, const char *end)
{
	if (*p == '\n' || *p == '\r')
		return 1;
	return end - p >= 2 && p[0] == '\\' && (p[1] == 'n' || p[1] == 'r') ? 2 : 0;
}

/* Bytes that the needle's copy at p takes with the line breaks in it; 0 = it does not stand there. */
static size_t match_encoded(const char *needle, const char *p, const char *end)
{
	const char *start = p;

	while (*needle && p < end && p - start < SECRETS_SPAN_MAX) {
		size_t skip = p > start ? line_break(p, end) : 0;
		if (!skip && *p != *needle)
			return 0;
		p += skip ? skip : 1;
		needle += !skip;
	}
	return *needle ? 0 : (size_t)(p - start);
}

/* 'A' over the digits; line breaks stay, also the 'n' of an escaped one. */
static void cover_encoded(char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		size_t skip = line_break(p, end);
		if (!skip)
			*p = 'A';
		p += skip ? skip : 1;
	}
}

static size_t zero_plain(const char *secret, char *data, size_t len)
{
	size_t n = strlen(secret), found = 0;
	char *end = data + len;

	for (char *p = data; (p = memmem(p, (size_t)(end - p), secret, n)); p += n, found++)
		cover(p, n, '0');
	return found;
}

static size_t zero_encoded(const char *needle, char *data, size_t len)
{
	char *end = data + len;
	size_t found = 0;

	for (char *p = data; (p = memchr(p, *needle, (size_t)(end - p))); p++) {
		size_t n = match_encoded(needle, p, end);
		cover_encoded(p, n);
		found += n > 0;
	}
	return found;
}

size_t secrets_zero(const struct secrets *s, char *data, size_t len)
{
	size_t found = 0;

	for (size_t i = 0; i < s->plain.n; i++)
		found += zero_plain(s->plain.at[i], data, len);
	for (size_t i = 0; i < s->encoded.n; i++)
		found += zero_encoded(s->encoded.at[i], data, len);
	return found;
}

bool secrets_hidden_by_gzip(const char *data, size_t len)
{
	static const char magic[] = "\x1f\x8b\x08";
	CLEANUP(strings_done) struct strings twice = { 0 };

	/* A compressed file begins its base64, so there is one alignment; that again may stand anywhere in another. */
	CLEANUP(free_p) char *once = encoded_at(magic, 0);
	if (memmem(data, len, magic, strlen(magic)) || memmem(data, len, once, strlen(once)))
		return true;
	add_encoded(&twice, once);
	for (size_t i = 0; i < twice.n; i++)
		if (memmem(data, len, twice.at[i], strlen(twice.at[i])))
			return true;
	return false;
}

/* kubeadm's own words around secrets that it made itself. */
static bool is_token(const char *p)
{
	for (size_t i = 0; i < TOKEN_LENGTH; i++)
		if (i == TOKEN_ID ? p[i] != '.' : !islower((unsigned char)p[i]) && !isdigit((unsigned char)p[i]))
			return false;
	return !isalnum((unsigned char)p[TOKEN_LENGTH]);
}

static void mask_tokens(char *line)
{
	static const char *const words[] = { "--token ", "--token=", "token: " };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (char *p = line; (p = strstr(p, words[i]));) {
			p += strlen(words[i]);
			if (is_token(p))
				cover(p, TOKEN_LENGTH, '*');
		}
}

/* "[upload-certs] Using certificate key:" is followed by a line with nothing else in it. */
static void mask_certificate_key(char *line)
{
	static const char word[] = "--certificate-key";
	char *found = strstr(line, word), *p = found ? found + strlen(word) : line;
	size_t n = strspn(p += strspn(p, " \t="), "0123456789abcdef");

	if (n == KEY_LENGTH && (found || !p[n + strspn(p + n, " \t\r")]))
		cover(p, n, '*');
}

/* A piece of the secret at the line's end, or one that the line begins with. */
static void mask_pieces(const char *secret, char *line)
{
	size_t n = strlen(secret), length = strlen(line), blanks = strspn(line, " \t");

	for (size_t piece = n - 1; piece >= PIECE_MIN; piece--) {
		if (piece <= length && !strncmp(line + length - piece, secret, piece))
			cover(line + length - piece, piece, '*');
		if (piece <= length - blanks && !strncmp(line + blanks, secret + n - piece, piece))
			cover(line + blanks, piece, '*');
	}
}

void secrets_mask_line(const struct secrets *s, char *line)
{
	for (size_t i = 0; i < s->plain.n; i++) {
		size_t n = strlen(s->plain.at[i]);
		for (char *p = line; (p = strstr(p, s->plain.at[i])); p += n)
			cover(p, n, '*');
		mask_pieces(s->plain.at[i], line);
	}
	mask_tokens(line);
	mask_certificate_key(line);
}
