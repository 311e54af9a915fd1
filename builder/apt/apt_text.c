/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/hash.h"

static bool is_sha256(const char *hex, size_t len)
{
	return len == SHA256_HEX - 1 && strspn(hex, "0123456789abcdef") >= len;
}

/* apt prints a local repository as file:/path; curl and users write file:///path. */
static char *plain_url(const char *url, size_t len)
{
	CLEANUP(free_p) char *copy = xstrndup(url, len);

	if (!text_starts(copy, "file:") && !text_starts(copy, "copy:"))
		return TAKE(copy);
	return xasprintf(text_starts(copy + 5, "//") ? "file:%s" : "file://%s", copy + 5);
}

static int bad_line(const char *line, struct error *err)
{
	return error_set(err, ERROR_FAILED, "apt's list of URLs has a line that cannot be parsed: %.*s",
			 (int)strcspn(line, "\n"), line);
}

/* line starts with a quote. */
static int uri_parse(const char *line, struct apt_uri *ret, struct error *err)
{
	const char *url = line + 1, *url_end = url + strcspn(url, "'\n");
	const char *file = url_end + 2;

	if (url_end == url || url_end[0] != '\'' || url_end[1] != ' ')
		return bad_line(line, err);
	size_t file_len = strcspn(file, " \n");
	char *end = NULL;
	errno = 0;
	unsigned long long size = file[file_len] == ' ' ? strtoull(file + file_len + 1, &end, 10) : 0;
	if (!file_len || memchr(file, '/', file_len) || !end || end == file + file_len + 1 || errno)
		return bad_line(line, err);
	const char *hash = *end == ' ' ? end + 1 : "";
	size_t hash_len = strcspn(hash, "\n");
	if (!text_starts(hash, "SHA256:") || !is_sha256(hash + 7, hash_len - 7))
		return error_set(err, ERROR_TRUST, "the repository has no sha256 of %.*s, so it cannot be locked",
				 (int)file_len, file);
	*ret = (struct apt_uri){
		.url = plain_url(url, (size_t)(url_end - url)),
		.file = xstrndup(file, file_len),
		.sha256 = xstrndup(hash + 7, hash_len - 7),
		.size = size,
	};
	return 0;
}

int apt_uris_parse(const char *text, struct apt_uris *ret, struct error *err)
{
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct apt_uri uri;
		if (*line != '\'')
			continue;
		if (uri_parse(line, &uri, err) < 0)
			return -1;
		vec_push(&uris.list, uri);
	}
	*ret = TAKE(uris);
	return 0;
}

void apt_uris_done(struct apt_uris *uris)
{
	for (size_t i = 0; i < uris->list.n; i++) {
		free(uris->list.at[i].url);
		free(uris->list.at[i].file);
		free(uris->list.at[i].sha256);
	}
	vec_done(&uris->list);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* apt encodes the colon of an epoch as %3a in file names. */
static void percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int high = *s == '%' ? hex_digit(s[1]) : -1, low = high >= 0 ? hex_digit(s[2]) : -1;
		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

bool apt_deb_name(const char *file, char **ret_name, char **ret_version, char **ret_architecture)
{
	const char *first = strchr(file, '_'), *last = strrchr(file, '_');

	if (!first || last == first || first == file || !text_ends(file, ".deb"))
		return false;
	size_t architecture = strlen(last + 1) - strlen(".deb");
	if (last == first + 1 || architecture == 0)
		return false;
	*ret_name = xstrndup(file, (size_t)(first - file));
	*ret_version = xstrndup(first + 1, (size_t)(last - first - 1));
	*ret_architecture = xstrndup(last + 1, architecture);
	percent_decode(*ret_version);
	return true;
}

bool apt_stanza_next(const char **cursor, struct apt_stanza *ret)
{
	const char *start = *cursor + strspn(*cursor, "\n");
	const char *end = strstr(start, "\n\n");

	if (!*start)
		return false;
	*ret = (struct apt_stanza){ .text = start, .len = end ? (size_t)(end - start) + 1 : strlen(start) };
	*cursor = start + ret->len;
	return true;
}

char *apt_stanza_field(const struct apt_stanza *stanza, const char *field)
{
	const char *end = stanza->text + stanza->len;
	size_t n = strlen(field);

	for (const char *line = stanza->text; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		if ((size_t)(stop - line) > n && !strncasecmp(line, field, n) && line[n] == ':') {
			CLEANUP(free_p) char *value = xstrndup(line + n + 1, (size_t)(stop - line) - n - 1);
			return xstrdup(text_trim(value));
		}
		line = stop + 1;
	}
	return NULL;
}

void apt_stanza_status(const struct apt_stanza *stanza, struct text *ret_status)
{
	text_add(ret_status, "Status: install ok installed\n");
	text_addn(ret_status, stanza->text, stanza->len);
	if (stanza->len && stanza->text[stanza->len - 1] != '\n')
		text_add(ret_status, "\n");
	text_add(ret_status, "\n");
}
