/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * News: what a lock would be if it were made today, beside what it is. `lock --check` prints it.
 *
 * A security update is a version newer than the locked one that a suite called *-security carries. The newest version itself may
 * come from elsewhere: a point release takes the updates over, and other suites may be ahead.
 */
#include "builder/lock/lock.h"
#include "lib/json.h"
#include "lib/text.h"

struct news_item {
	const char *group; /* borrowed; lock_group_names, "sources" or "binaries" */
	char *name;        /* owned */
	char *from, *to;   /* owned; versions, or digests of binaries; NULL = not there */
	bool security;
};

struct news {
	VEC(struct news_item) items;
};

void news_compare(const struct lock *locked, const struct lock *now, struct news *ret);
/* The names of packages and source packages that have another version now, each once. */
void news_names(const struct news *news, struct strings *ret);
/* madison: what `apt-cache madison` says of these, "NAME | VERSION | URL SUITE/COMPONENT ARCHITECTURE Packages" a
 * line, for a source package "... | URL SUITE/COMPONENT Sources". */
void news_mark_security(struct news *news, const char *madison);
size_t news_security(const struct news *news);
void news_print(const struct news *news, struct text *ret);
struct json *news_json(const struct news *news) MUST_CHECK;
void news_done(struct news *news);
