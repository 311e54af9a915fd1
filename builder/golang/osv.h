/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A vulnerability in the OSV format (https://ossf.github.io/osv-schema/), as the Go vulnerability database and osv.dev publish it. Only what
 * concerns Go modules is kept. Versions are as in the file, without the "v": "1.33.0", "0".
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define OSV_TEXT_MAX (4u << 20) /* bytes of one file */

enum osv_event_kind { OSV_INTRODUCED, OSV_FIXED, OSV_LAST_AFFECTED };

struct osv_event {
	enum osv_event_kind kind;
	char *version; /* owned; with a "v": go_version_compare() takes it */
};

/* One range of type SEMVER of one module. */
struct osv_range {
	char *module;                 /* owned; its path, or "stdlib", "toolchain" */
	VEC(struct osv_event) events; /* sorted by version */
};

struct osv {
	char *id, *summary; /* owned; summary may be "" */
	bool withdrawn;     /* it was published by mistake and concerns nothing */
	struct strings aliases;
	VEC(struct osv_range) ranges;
};

/* name is for messages. A file that is not of this format is ERROR_INPUT. */
int osv_parse(const char *name, const char *text, size_t len, struct osv *ret, struct error *err) MUST_CHECK;
void osv_done(struct osv *o);
/* True when this version ("v1.2.3", a pseudo-version too) is in a range. *ret_fixed: the first version with the fix in that
 * range, borrowed; NULL when there is none. */
bool osv_concerns(const struct osv *o, const char *module, const char *version, const char **ret_fixed);
