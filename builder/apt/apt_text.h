/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What apt says, as data. Pure functions over its text, nothing runs here: lists of --print-uris, stanzas of `apt-cache show`,
 * and its complaints as one sentence with a class.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define APT_TEXT_MAX (64u << 20) /* more than this from one command is no answer */

/* One line of --print-uris: 'URL' FILE SIZE SHA256:HEX */
struct apt_uri {
	char *url, *file, *sha256;
	uint64_t size;
};

struct apt_uris {
	VEC(struct apt_uri) list;
};

/* Lines of other forms are passed over; a line without a sha256 is ERROR_TRUST, one that cannot be understood ERROR_FAILED. */
int apt_uris_parse(const char *text, struct apt_uris *ret, struct error *err) MUST_CHECK;
void apt_uris_done(struct apt_uris *uris);

/* "conntrack_1%3a1.4.7-1_amd64.deb" to its parts, each owned by the caller; false when it is no such name. */
bool apt_deb_name(const char *file, char **ret_name, char **ret_version, char **ret_architecture);

/* One paragraph of a control file, borrowed from the text around it. */
struct apt_stanza {
	const char *text;
	size_t len;
};

/* The next paragraph at *cursor, which moves behind it; false at the end. */
bool apt_stanza_next(const char **cursor, struct apt_stanza *ret);
/* A field's first line, owned by the caller; NULL when there is none. */
char *apt_stanza_field(const struct apt_stanza *stanza, const char *field) MUST_CHECK;
/* The paragraph as dpkg's status would have it once the package is installed. */
void apt_stanza_status(const struct apt_stanza *stanza, struct text *ret_status);

/* Turns what a failed apt said on stdout and stderr into *err: why, and what to do. Returns -1. */
int apt_error(const char *output, const char *messages, struct error *err);
