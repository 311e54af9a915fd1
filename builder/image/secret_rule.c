/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_rule.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/macro.h"

#define KEY_LABEL_MAX 40 /* bytes between "-----BEGIN " and "PRIVATE KEY" */
#define KEY_BODY_MIN 16  /* characters after the header: without them it is a program that knows the format */

/* One line of a content, which may lack a newline and have NUL bytes. */
struct line {
	const char *at;
	size_t len;
};

static bool next_line(const char **at, const char *end, struct line *ret)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	*ret = (struct line){ *at, (size_t)((newline ? newline : end) - *at) };
	*at = newline ? newline + 1 : end;
	while (ret->len && isspace((unsigned char)*ret->at))
		*ret = (struct line){ ret->at + 1, ret->len - 1 };
	return true;
}

static bool is_comment(const struct line *l)
{
	return !l->len || *l->at == '#' || *l->at == ';' || (l->len > 1 && !memcmp(l->at, "//", 2));
}

static bool line_has(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= l->len; i++)
		if (!strncasecmp(l->at + i, word, n))
			return true;
	return false;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* The ends of names of secrets, whatever their case. */
static const char *const secret_names[] = { "password",   "passwd",      "passphrase",   "secret",     "token",
					    "api_key",    "apikey",      "access_key",   "secret_key", "private_key",
					    "auth_token", "credentials", "client_secret" };

static bool is_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_names); i++) {
		size_t n = strlen(secret_names[i]);
		if (n <= len && !strncasecmp(name + len - n, secret_names[i], n))
			return true;
	}
	return false;
}

/* A value that refers to a secret instead of having one: a variable, a file, a placeholder, nothing. */
static bool is_reference(const char *value, const char *end)
{
	while (value < end && (*value == '"' || *value == '\'' || *value == ' ' || *value == '\t'))
		value++;
	return value == end || strchr("$/<%&|{[", *value) || isspace((unsigned char)*value);
}

static bool has_assignment(const struct line *l)
{
	for (size_t i = 1; i + 1 < l->len; i++) {
		size_t from = i;
		if (l->at[i] != '=' && l->at[i] != ':')
			continue;
		while (from && (l->at[from - 1] == ' ' || l->at[from - 1] == '"'))
			from--;
		size_t to = from;
		while (from && is_name(l->at[from - 1]))
			from--;
		if (is_secret_name(l->at + from, to - from) && !is_reference(l->at + i + 1, l->at + l->len))
			return true;
	}
	return false;
}

/* "://", then a user before the host. */
static bool has_url_user(const struct line *l)
{
	for (size_t i = 0; i + 3 < l->len; i++) {
		if (memcmp(l->at + i, "://", 3) != 0)
			continue;
		for (size_t k = i + 3; k < l->len && !strchr("/?#\"'", l->at[k]) && !isspace((unsigned char)l->at[k]);
		     k++)
			if (l->at[k] == '@' && k > i + 3)
				return true;
	}
	return false;
}

static bool any_line(const struct secret_rule *rule, const char *content, size_t len)
{
	const char *at = content, *end = content + len;
	struct line l;

	while (next_line(&at, end, &l)) {
		if (is_comment(&l))
			continue;
		if (rule->match == SECRET_LINE || (rule->match == SECRET_WORD && line_has(&l, rule->word)) ||
		    (rule->match == SECRET_ASSIGNED && has_assignment(&l)) ||
		    (rule->match == SECRET_URL && has_url_user(&l)))
			return true;
	}
	return false;
}

static bool is_key_body(const char *at, const char *end)
{
	size_t n = 0;

	/* A newline; in JSON it is two characters. */
	if (at < end && *at == '\r')
		at++;
	if (end - at >= 2 && !memcmp(at, "\\n", 2))
		at += 2;
	else if (at >= end || *at++ != '\n')
		return false;
	for (; at < end && n < KEY_BODY_MIN; at++, n++)
		if (!isalnum((unsigned char)*at) && !strchr("+/=:,- \r\n\\", *at))
			return false;
	return n == KEY_BODY_MIN;
}

/* "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----" and the like, with a body. */
static bool has_pem(const char *content, size_t len)
{
	static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY", dashes[] = "-----";
	const char *end = content + len, *at = content;

	while ((at = memmem(at, (size_t)(end - at), begin, strlen(begin)))) {
		at += strlen(begin);
		size_t left = (size_t)(end - at), label = left < KEY_LABEL_MAX ? left : KEY_LABEL_MAX;
		const char *found = memmem(at, label, key, strlen(key));
		const char *close = found ? memmem(found, (size_t)(end - found), dashes, strlen(dashes)) : NULL;
		if (close && close - found < KEY_LABEL_MAX && is_key_body(close + strlen(dashes), end))
			return true;
	}
	return false;
}

/* Keys in other forms. The last ones are base64 of "-----BEGIN " and the beginning of a private key's label, as in a kubeconfig. */
static bool has_key(const char *content, size_t len)
{
	static const char *const marks[] = {
		"\nAGE-SECRET-KEY-1",
		"PuTTY-User-Key-File-",
		"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS",
		"LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV",
		"LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS",
		"LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (memmem(content, len, marks[i], strlen(marks[i])))
			return true;
	return has_pem(content, len);
}

bool secret_rule_matches(const struct secret_rule *rule, const char *content, size_t len)
{
	switch (rule->match) {
	case SECRET_EXISTS:
		return len > 0;
	case SECRET_KEY:
		return has_key(content, len);
	default:
		return any_line(rule, content, len);
	}
}
