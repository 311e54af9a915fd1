/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_rule.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "builder/image/secret_key.h"
#include "lib/macro.h"

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

bool secret_rule_matches(const struct secret_rule *rule, const char *content, size_t len)
{
	switch (rule->match) {
	case SECRET_EXISTS:
		return len > 0;
	case SECRET_KEY:
		return secret_key_what(content, len) != NULL;
	default:
		return any_line(rule, content, len);
	}
}
