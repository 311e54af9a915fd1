/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/goproxy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

void goproxy_done(struct goproxy *proxy)
{
	for (size_t i = 0; i < proxy->list.n; i++)
		free(proxy->list.at[i].url);
	vec_done(&proxy->list);
}

static int parse_entry(char *word, char separator, struct goproxy *ret, struct error *err)
{
	struct goproxy_entry entry = { .on_failure = separator == '|' };

	word = text_trim(word);
	if (!*word)
		return 0;
	if (strcmp(word, "direct") == 0) {
		entry.kind = GOPROXY_DIRECT;
	} else if (strcmp(word, "off") == 0) {
		entry.kind = GOPROXY_OFF;
	} else {
		if (!text_starts(word, "https://") && !text_starts(word, "http://") && !text_starts(word, "file:///"))
			return error_set(
				err, ERROR_INPUT,
				"GOPROXY has the entry '%s'; allowed: URLs of https, http and file, direct, off", word);
		size_t len = strlen(word);
		while (len && word[len - 1] == '/')
			len--;
		entry.url = xstrndup(word, len);
	}
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

const char *goproxy_directory(const char *url)
{
	return text_starts(url, "file:///") ? url + strlen("file://") : NULL;
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
