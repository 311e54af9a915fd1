/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "agent/secrets.h"

#define PIECE_MIN 8 /* shorter matches could be coincidence */
#define TOKEN_ID 6
#define TOKEN_LENGTH 23 /* [a-z0-9]{6}.[a-z0-9]{16} */
#define KEY_LENGTH 64   /* a certificate key in hex */

/* Keeps the secret's form. */
static void mask(char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isalnum((unsigned char)from[i]))
			from[i] = '*';
}

/* kubeadm's own words around secrets that it generated. */
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
				mask(p, TOKEN_LENGTH);
		}
}

/* "[upload-certs] Using certificate key:" is followed by a line with nothing but the key. */
static void mask_certificate_key(char *line)
{
	static const char word[] = "--certificate-key";
	char *found = strstr(line, word), *p = found ? found + strlen(word) : line;
	size_t n = strspn(p += strspn(p, " \t="), "0123456789abcdef");

	if (n == KEY_LENGTH && (found || !p[n + strspn(p + n, " \t\r")]))
		mask(p, n);
}

/* Masks a piece of the secret at the end of the line, or at its beginning. */
static void mask_pieces(const char *secret, char *line)
{
	size_t n = strlen(secret), length = strlen(line), blanks = strspn(line, " \t");

	for (size_t piece = n - 1; piece >= PIECE_MIN; piece--) {
		if (piece <= length && !strncmp(line + length - piece, secret, piece))
			mask(line + length - piece, piece);
		if (piece <= length - blanks && !strncmp(line + blanks, secret + n - piece, piece))
			mask(line + blanks, piece);
	}
}

void secrets_mask_line(const struct secrets *s, char *line)
{
	for (size_t i = 0; i < s->plain.n; i++) {
		size_t n = strlen(s->plain.at[i]);
		for (char *p = line; (p = strstr(p, s->plain.at[i])); p += n)
			mask(p, n);
		mask_pieces(s->plain.at[i], line);
	}
	mask_tokens(line);
	mask_certificate_key(line);
}
