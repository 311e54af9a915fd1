/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GOPROXY: the list of places that serve modules (https://go.dev/ref/mod#goproxy-protocol). After "," the next entry is asked
 * when one answers 404 or 410; after "|" also when it fails in any other way. "direct" and "off" end the list. Pure.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

enum goproxy_kind { GOPROXY_URL, GOPROXY_DIRECT, GOPROXY_OFF };

struct goproxy_entry {
	enum goproxy_kind kind;
	char *url;       /* owned; without a slash at the end, file: URLs percent-encoded; GOPROXY_URL only */
	char *directory; /* owned; the path of a file: URL, without a slash at the end; NULL for other URLs */
	bool on_failure; /* the next entry is asked after any failure */
};

struct goproxy {
	VEC(struct goproxy_entry) list;
};

/* As Go reads it: an entry without a scheme is of https; a path in a file: URL may be percent-encoded, or have spaces and colons.
 * ERROR_INPUT for an entry that is no URL of http, https or file. */
int goproxy_parse(const char *value, struct goproxy *ret, struct error *err) MUST_CHECK;
void goproxy_done(struct goproxy *proxy);
/* For messages: the entries with ", " between, without user names and passwords. Owned by the caller. */
char *goproxy_text(const struct goproxy *proxy) MUST_CHECK;
/* "github.com/BurntSushi/toml" as in URLs: "github.com/!burnt!sushi/toml". For versions, too. Owned by the caller. */
char *goproxy_escape(const char *text) MUST_CHECK;
/* "PATH/@v/VERSION" + suffix (".zip", ".mod"), escaped; owned by the caller. */
char *goproxy_file(const char *path, const char *version, const char *suffix) MUST_CHECK;
/* True when a list of patterns (GONOPROXY, GOPRIVATE: comma-separated, as in path.Match) matches a prefix of the path. */
bool goproxy_matches(const char *patterns, const char *path);
