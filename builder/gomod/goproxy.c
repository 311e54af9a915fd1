/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/goproxy.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"

#define FILE_SCHEME "file://"
/* Characters of a path in a URL that need no percent-encoding (RFC 3986). */
#define PATH_MARKS "-._~!$&'()*+;=:@/"

static void entry_done(struct goproxy_entry *entry)
{
	free(entry->url);
	free(entry->directory);
}

void goproxy_done(struct goproxy *proxy)
{
	for (size_t i = 0; i < proxy->list.n; i++)
		entry_done(&proxy->list.at[i]);
	vec_done(&proxy->list);
}

/* "/a%20b" is "/a b"; false for what is no path of a URL: a query, a fragment, half an escape, control characters. */
static bool decode_path(const char *path, struct text *ret)
{
	for (; *path && strcmp(path, "#") != 0; path++) {
		char c = *path;
		if (c == '?' || c == '#' || iscntrl((unsigned char)c))
			return false;
		if (c == '%') {
			if (!isxdigit((unsigned char)path[1]) || !isxdigit((unsigned char)path[2]))
				return false;
			const char hex[] = { path[1], path[2], '\0' };
			c = (char)strtoul(hex, NULL, 16);
			path += 2;
			if (!c)
				return false;
		}
		text_addn(ret, &c, 1);
	}
	return true;
}

/* An absolute path without "." and "..", and without a slash at the end, as Go joins it with the names of files. */
static char *clean_path(const char *path)
{
	struct text ret = { 0 };

	text_add(&ret, "");
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len == 2 && !strncmp(path, "..", len)) {
			while (ret.len && ret.data[--ret.len] != '/')
				;
			ret.data[ret.len] = '\0';
		} else if (len && !(len == 1 && *path == '.')) {
			text_addf(&ret, "/%.*s", (int)len, path);
		}
		path += len + (path[len] == '/');
	}
	return text_take(&ret);
}

static char *encode_path(const char *path)
{
	struct text ret = { 0 };

	text_add(&ret, "");
	for (; *path; path++) {
		bool plain = (isascii(*path) && isalnum((unsigned char)*path)) || strchr(PATH_MARKS, *path);
		text_addf(&ret, plain ? "%c" : "%%%02X", (unsigned char)*path);
	}
	return text_take(&ret);
}

static int parse_file(const char *word, struct goproxy_entry *ret, struct error *err)
{
	CLEANUP(text_done) struct text path = { 0 };

	if (word[strlen(FILE_SCHEME)] != '/' || !decode_path(word + strlen(FILE_SCHEME), &path))
		return error_set(err, ERROR_INPUT,
				 "GOPROXY has the entry '%s'; allowed: file:/// and a path, percent-encoded as in URLs",
				 word);
	ret->directory = clean_path(path.data);
	CLEANUP(free_p) char *encoded = encode_path(ret->directory);
	ret->url = xasprintf(FILE_SCHEME "%s", encoded);
	return 0;
}

static int parse_url(const char *word, struct goproxy_entry *ret, struct error *err)
{
	/* "proxy.example" is an entry, "/directory" is none (cmd/go/internal/modfetch/proxy.go) */
	bool bare = word[strcspn(word, ".:/")] && !strstr(word, ":/") && *word != '/';
	CLEANUP(free_p) char *url = xasprintf("%s%s", bare ? "https://" : "", word);

	if (!strncasecmp(url, FILE_SCHEME, strlen(FILE_SCHEME)))
		return parse_file(url, ret, err);
	if (strncasecmp(url, "https://", strlen("https://")) != 0 &&
	    strncasecmp(url, "http://", strlen("http://")) != 0)
		return error_set(err, ERROR_INPUT,
				 "GOPROXY has the entry '%s'; allowed: URLs of https, http and file, direct, off",
				 word);
	size_t len = strlen(url);
	while (len && url[len - 1] == '/')
		len--;
	ret->url = xstrndup(url, len);
	return 0;
}

static int parse_entry(char *word, char separator, struct goproxy *ret, struct error *err)
{
	struct goproxy_entry entry = { .on_failure = separator == '|' };

	word = text_trim(word);
	if (!*word)
		return 0;
	if (strcmp(word, "direct") == 0)
		entry.kind = GOPROXY_DIRECT;
	else if (strcmp(word, "off") == 0)
		entry.kind = GOPROXY_OFF;
	else if (parse_url(word, &entry, err) < 0)
		return -1;
	vec_push(&ret->list, entry);
	return 0;
}

int goproxy_parse(const char *value, struct goproxy *ret, struct error *err)
{
	CLEANUP(free_p) char *copy = xstrdup(value);
	CLEANUP(goproxy_done) struct goproxy made = { 0 };

	for (char *word = copy, separator = ','; separator;) {
		size_t len = strcspn(word, ",|");
		separator = word[len];
		word[len] = '\0';
		if (parse_entry(word, separator, &made, err) < 0)
			return -1;
		if (made.list.n && made.list.at[made.list.n - 1].kind != GOPROXY_URL)
			break; /* nothing after it is asked */
		word += len + 1;
	}
	if (!made.list.n)
		return error_set(err, ERROR_INPUT, "GOPROXY has no entry; set a URL, direct or off");
	*ret = TAKE(made);
	return 0;
}

static void add_url(struct text *ret, const char *url)
{
	const char *host = strstr(url, "://"), *end;

	host = host ? host + strlen("://") : url;
	end = host + strcspn(host, "/");
	const char *at = memrchr(host, '@', (size_t)(end - host));
	text_addf(ret, "%.*s%s", (int)(host - url), url, at ? at + 1 : host);
}

char *goproxy_text(const struct goproxy *proxy)
{
	struct text ret = { 0 };

	text_add(&ret, "");
	for (size_t i = 0; i < proxy->list.n; i++) {
		const struct goproxy_entry *entry = &proxy->list.at[i];
		text_add(&ret, i ? ", " : "");
		if (entry->kind == GOPROXY_URL)
			add_url(&ret, entry->url);
		else
			text_add(&ret, entry->kind == GOPROXY_OFF ? "off" : "direct");
	}
	return text_take(&ret);
}

char *goproxy_escape(const char *text)
{
	struct text escaped = { 0 };

	for (; *text; text++) {
		bool upper = *text >= 'A' && *text <= 'Z';
		text_addf(&escaped, "%s%c", upper ? "!" : "", upper ? *text - 'A' + 'a' : *text);
	}
	return text_take(&escaped);
}

char *goproxy_file(const char *path, const char *version, const char *suffix)
{
	CLEANUP(free_p) char *p = goproxy_escape(path), *v = goproxy_escape(version);

	return xasprintf("%s/@v/%s%s", p, v, suffix);
}

static size_t count_slashes(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '/';
	return n;
}

/* The pattern is compared with the path's first elements, as many as the pattern has. */
static bool one_matches(const char *pattern, const char *path)
{
	size_t slashes = count_slashes(pattern), i = 0;

	for (; path[i]; i++)
		if (path[i] == '/' && slashes-- == 0)
			break;
	CLEANUP(free_p) char *prefix = xstrndup(path, i);
	return fnmatch(pattern, prefix, FNM_PATHNAME) == 0;
}

bool goproxy_matches(const char *patterns, const char *path)
{
	CLEANUP(free_p) char *copy = xstrdup(patterns ? patterns : "");
	char *rest = copy, *pattern;

	while ((pattern = strsep(&rest, ","))) {
		pattern = text_trim(pattern);
		if (*pattern && one_matches(pattern, path))
			return true;
	}
	return false;
}
