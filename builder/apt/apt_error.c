/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "builder/apt/apt_text.h"
#include "lib/alloc.h"
#include "lib/http_status.h"

#define DETAIL_LINES 4
#define FETCH_FAILED "Failed to fetch "

/* clang-format off */
#define UNKNOWN_KEY \
	"this key is neither in its keyring nor at its key_url; if the repository is the right one, add its key (a newer " \
	"Debian suite needs a newer package debian-archive-keyring)"
#define CHANGED_INDEX \
	"this does not match the signed Release file; the mirror may be in the middle of an update: try again, and if this " \
	"persists, do not trust it"
/* clang-format on */

/*
 * Error class and advice for apt's messages. The first row whose text occurs anywhere wins, so causes come before their
 * consequences: apt reports a bad signature first as a warning and then as "not signed".
 */
static const struct apt_error_row {
	const char *text;
	enum error_class class;
	const char *means; /* the cause, and what to do */
} rows[] = {
	{ "No space left on device", ERROR_SPACE, "the disk of the cache is full; free space or set NODEKILN_CACHE" },
	{ "BADSIG", ERROR_TRUST,
	  "its signature is wrong: the index was changed after it was signed; do not trust this mirror" },
	{ "REVKEYSIG", ERROR_TRUST, "it is signed with a key that was revoked; do not trust it" },
	{ "EXPKEYSIG", ERROR_TRUST,
	  "it is signed with a key that has expired; the recipe needs the repository's current key" },
	{ "EXPSIG", ERROR_TRUST, "its signature has expired; the mirror is out of date" },
	{ "is not available: GOODSIG", ERROR_TRUST, "it is signed by another key than the recipe's key_fingerprint" },
	{ "NO_PUBKEY", ERROR_TRUST, UNKNOWN_KEY },
	{ "into data and signature failed", ERROR_TRUST, "its InRelease file is damaged" },
	{ "is expired (invalid since", ERROR_TRUST,
	  "the mirror is out of date, or this machine's clock is wrong; of a snapshot of an earlier day the recipe "
	  "says "
	  "check_valid_until: false" },
	{ "is not valid yet", ERROR_TRUST, "set this machine's clock" },
	{ "Hash Sum mismatch", ERROR_TRUST, CHANGED_INDEX },
	{ "unexpected size", ERROR_TRUST, CHANGED_INDEX },
	{ "got 'NOSPLIT'", ERROR_TRUST,
	  "what its server, or a proxy, sends is no signed index; it may be the page of a network that wants a login" },
	{ "Certificate verification failed", ERROR_TRUST,
	  "the server's certificate does not verify; check its name and this machine's clock, and make its CA known to "
	  "this host (update-ca-certificates)" },
	{ "Could not resolve", ERROR_NETWORK,
	  "the name of its server cannot be resolved; check the mirror, DNS and proxy" },
	{ "does not have a Release file", ERROR_NETWORK, "there is no such suite; check mirror and suite" },
	/* A file that could not be fetched has no signature either. */
	{ FETCH_FAILED, ERROR_NETWORK, "the download failed; check the mirror and the network" },
	{ "is not signed", ERROR_TRUST, "it has no signature that can be checked, so it is not used" },
	{ "Unable to locate package", ERROR_INPUT, "no repository of the recipe has it" },
	{ "has no installation candidate", ERROR_INPUT,
	  "no repository of the recipe has it; if it is a virtual name, choose a package that provides it" },
	{ "' was not found", ERROR_INPUT, "no repository of the recipe has this version" },
	{ "Can not find version", ERROR_INPUT, "no repository of the recipe has this version of the source" },
	{ "Unable to find a source package", ERROR_INPUT, "no repository of the recipe has this source" },
	{ "put some 'deb-src' URIs", ERROR_INPUT, "the mirror has no source packages; choose one that has them" },
	{ "remove is disabled", ERROR_INPUT, "packages of base would have to be removed" },
	{ "held broken packages", ERROR_INPUT, "these packages cannot be installed together" },
};

/* Headings in apt's stdout, above the packages that prevent an installation. */
static const char *const headings[] = { "will be REMOVED:\n", "unmet dependencies:\n" };

/* The line around `at`, without the leading "E: " or "W: ", the full stop at the end, and repeated spaces. */
static char *line_at(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	if (at[0] && at[1] == ':' && at[2] == ' ')
		at += 3;
	char *line = xstrndup(at, strcspn(at, "\n")), *to = line;
	for (const char *from = line; *from; from++)
		if (*from != ' ' || (to > line && to[-1] != ' '))
			*to++ = *from;
	while (to > line && (to[-1] == '.' || to[-1] == ' '))
		to--;
	*to = '\0';
	return line;
}

/* Appends the lines below the first of the headings that occurs, joined to one line. */
static void add_details(const char *output, struct text *ret)
{
	const char *line = NULL;

	for (size_t i = 0; !line && i < ARRAY_SIZE(headings); i++)
		line = strstr(output, headings[i]);
	if (!line)
		return;
	line = strchr(line, '\n') + 1;
	for (int i = 0; i < DETAIL_LINES && *line == ' '; i++) {
		CLEANUP(free_p) char *words = line_at(line, line);
		text_addf(ret, "%s%s", i ? "; " : ": ", text_trim(words));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

/* Of the sentence "Failed to fetch URL 401 Unauthorized [IP: ...]": servers choose the words, and may have none. 0 = none. */
static long http_status(const char *line)
{
	const char *at = line + strlen(FETCH_FAILED);
	char *end;

	if (!text_starts(line, FETCH_FAILED))
		return 0;
	at += strcspn(at, " ");
	long status = strtol(at, &end, 10);
	return status >= 100 && status < 600 && (*end == ' ' || !*end) ? status : 0;
}

int apt_error(const char *output, const char *messages, struct error *err)
{
	CLEANUP(text_done) struct text details = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct apt_error_row *c = &rows[i];
		const char *at = strstr(messages, c->text);
		if (!at)
			continue;
		CLEANUP(free_p) char *line = line_at(messages, at);
		if (c->class == ERROR_INPUT)
			add_details(output, &details);
		long status = http_status(line);
		const char *means = status ? http_status_advice(status) : c->means;
		if (details.len)
			return error_set(err, c->class, "%s%s", means, details.data);
		return error_set(err, c->class, "%s%s%s", line, *means ? "; " : "", means);
	}
	const char *first = strstr(messages, "E: ");
	CLEANUP(free_p) char *line = line_at(messages, first ? first : messages);
	return error_set(err, ERROR_FAILED, "apt failed: %s", *line ? line : "no reason given");
}
