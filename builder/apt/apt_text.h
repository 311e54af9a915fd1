/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parsers for apt's output, all pure: lines of --print-uris, stanzas of `apt-cache show`, and error messages, which become one
 * sentence with an error class.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define APT_TEXT_MAX (64u << 20) /* limit for the output of one command, bytes */

/* One line of --print-uris: 'URL' FILE SIZE SHA256:HEX */
struct apt_uri {
	char *url, *file, *sha256;
	uint64_t size;
};

struct apt_uris {
	VEC(struct apt_uri) list;
};

/* Lines that do not start with a quote are skipped. ERROR_TRUST: a line has no sha256; ERROR_FAILED: a line cannot be
 * parsed. */
int apt_uris_parse(const char *text, struct apt_uris *ret, struct error *err) MUST_CHECK;
void apt_uris_done(struct apt_uris *uris);

/* Splits "conntrack_1%3a1.4.7-1_amd64.deb" into its parts, each owned by the caller; false when the name has another form. */
bool apt_deb_name(const char *file, char **ret_name, char **ret_version, char **ret_architecture);

/* One stanza (paragraph) of a control file, borrowed from the text around it. */
struct apt_stanza {
	const char *text;
	size_t len;
};

/* The next stanza at *cursor, which is advanced past it; false at the end. */
bool apt_stanza_next(const char **cursor, struct apt_stanza *ret);
/* The first line of a field, owned by the caller; NULL when the stanza does not have it. */
char *apt_stanza_field(const struct apt_stanza *stanza, const char *field) MUST_CHECK;
/* Appends the stanza as dpkg's status file has it after the package was installed. */
void apt_stanza_status(const struct apt_stanza *stanza, struct text *ret_status);

/* Turns stdout (output) and stderr (messages) of a failed apt into *err: the cause, and what to do. Returns -1. */
int apt_error(const char *output, const char *messages, struct error *err);
