/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/go_error.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/text.h"

struct go_error_kind {
	const char *words;
	bool network; /* only of a command that may ask proxies */
	enum error_class class;
	const char *advice; /* for a command that may ask proxies; NULL: none */
};

#define ASK_ANOTHER "add it there, or name a proxy in GOPROXY that serves it"
#define DO_NOT_TRUST_PROXY "do not trust this proxy"
#define DO_NOT_TRUST_DATABASE "do not trust this database of checksums, or what is between it and you; see GOSUMDB"
#define LOOK_AT_NETWORK "check the network, GOPROXY and HTTPS_PROXY"

/* The first row that fits counts. */
static const struct go_error_kind kinds[] = {
	{ GO_ERROR_TOO_OLD, false, ERROR_INPUT, NULL },
	{ "checksum mismatch", false, ERROR_TRUST, DO_NOT_TRUST_PROXY },
	{ "database server misbehavior", true, ERROR_TRUST, DO_NOT_TRUST_DATABASE },
	{ "reading tree note", true, ERROR_TRUST, DO_NOT_TRUST_DATABASE },
	{ "cannot authenticate record data", true, ERROR_TRUST, DO_NOT_TRUST_DATABASE },
	{ "downloaded inconsistent tile", true, ERROR_TRUST, DO_NOT_TRUST_DATABASE },
	{ "zip: checksum error", false, ERROR_TRUST, "the proxy's file is damaged; fetch it there again" },
	{ "zip: not a valid zip file", false, ERROR_TRUST, "the proxy's file is damaged; fetch it there again" },
	{ "x509:", true, ERROR_TRUST, "name the authorities that the proxy needs in SSL_CERT_FILE" },
	{ "verifying ", true, ERROR_NETWORK,
	  "the checksum database has to confirm it; name modules that it need not know in GONOSUMDB" },
	{ "disabled by GOPROXY=off", true, ERROR_NETWORK, "name a proxy or a mirror directory in GOPROXY" },
	{ "reading file://", true, ERROR_NETWORK, ASK_ANOTHER },
	{ "Not Found", true, ERROR_NETWORK, ASK_ANOTHER },
	{ "not found", true, ERROR_NETWORK, ASK_ANOTHER },
	{ "410 Gone", true, ERROR_NETWORK, ASK_ANOTHER },
	{ "Forbidden", true, ERROR_NETWORK, ASK_ANOTHER },
	{ "dial tcp", true, ERROR_NETWORK, LOOK_AT_NETWORK },
	{ "lookup ", true, ERROR_NETWORK, LOOK_AT_NETWORK },
	{ "i/o timeout", true, ERROR_NETWORK, LOOK_AT_NETWORK },
	{ "GOPROXY", true, ERROR_NETWORK, NULL },
};

static const char *const progress[] = { "go: downloading ", "go: finding " };

static bool is_progress(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(progress); i++)
		if (text_starts(line, progress[i]))
			return true;
	return false;
}

static const struct go_error_kind *find(const struct go_error *e, const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((e->network || !kinds[i].network) && strstr(line, kinds[i].words))
			return &kinds[i];
	return NULL;
}

/* "a@v1 requires go >= 1.30 (running go 1.26; GOTOOLCHAIN=local)": the rest is about our own settings. */
static void cut_remark(const char *kind, char *line)
{
	char *remark = strcmp(kind, GO_ERROR_TOO_OLD) == 0 ? strstr(line, " (running ") : NULL;

	if (remark)
		*remark = '\0';
}

void go_error_add(struct go_error *e, const char *text)
{
	CLEANUP(free_p) char *copy = xstrdup(text);
	char *rest = copy, *line;

	while (!e->kind && (line = strsep(&rest, "\n"))) {
		line = text_trim(line);
		e->kind = is_progress(line) ? NULL : find(e, line);
		if (!e->kind)
			continue;
		cut_remark(e->kind->words, line);
		e->line = xstrdup(text_starts(line, "go: ") ? line + strlen("go: ") : line);
	}
}

void go_error_explain(const struct go_error *e, struct error *err)
{
	const char *advice = e->kind && e->network ? e->kind->advice : NULL;
	/* Go does not say which proxy it was. */
	const char *proxies = advice && !strcmp(advice, DO_NOT_TRUST_PROXY) ? e->proxies : NULL;

	if (e->kind)
		(void)error_set(err, e->kind->class, "%s%s%s%s%s", e->line, advice ? "; " : "", advice ? advice : "",
				proxies ? ": GOPROXY is " : "", proxies ? proxies : "");
}

void go_error_done(struct go_error *e)
{
	free(e->line);
	*e = (struct go_error){ 0 };
}
