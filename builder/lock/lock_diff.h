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

struct lock_diff_item {
	const char *group; /* borrowed; lock_group_names, "sources" or "binaries" */
	char *name;        /* owned */
	char *from, *to;   /* owned; versions, or digests of binaries; NULL = not there */
	bool security;
};

struct lock_diff {
	VEC(struct lock_diff_item) items;
};

void lock_diff_compare(const struct lock *locked, const struct lock *now, struct lock_diff *ret);
/* The names of packages and source packages that have another version now, each once. */
void lock_diff_names(const struct lock_diff *news, struct strings *ret);
/* madison: what `apt-cache madison` says of these, "NAME | VERSION | URL SUITE/COMPONENT ARCHITECTURE Packages" a
 * line, for a source package "... | URL SUITE/COMPONENT Sources". */
void lock_diff_mark_security(struct lock_diff *news, const char *madison);
size_t lock_diff_security(const struct lock_diff *news);
void lock_diff_print(const struct lock_diff *news, struct text *ret);
struct json *lock_diff_json(const struct lock_diff *news) MUST_CHECK;
void lock_diff_done(struct lock_diff *news);
