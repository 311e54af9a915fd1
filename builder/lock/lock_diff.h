/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a lock differs from one resolved today. `lock --check` prints it.
 *
 * An item is a security update when a suite called *-security has a version that is newer than the locked one. The newest
 * version itself may come from another suite: a point release includes earlier updates, and other suites may be ahead.
 */
#include "builder/lock/lock.h"
#include "lib/json.h"
#include "lib/text.h"

struct lock_diff_item {
	const char *group; /* borrowed; lock_group_names, "components", "sources" or "binaries" */
	char *name;        /* owned */
	char *from, *to;   /* owned; versions, or digests of binaries; NULL = the package is not in that lock */
	bool security;
};

struct lock_diff {
	VEC(struct lock_diff_item) items;
};

void lock_diff_compare(const struct lock *locked, const struct lock *now, struct lock_diff *ret);
/* Adds the names of packages and source packages whose version differs, each once. */
void lock_diff_names(const struct lock_diff *diff, struct strings *ret);
/* Sets `security` of the items. madison: output of `apt-cache madison` for them, lines of the form
 * "NAME | VERSION | URL SUITE/COMPONENT ARCHITECTURE Packages", for a source package "... | URL SUITE/COMPONENT Sources". */
void lock_diff_mark_security(struct lock_diff *diff, const char *madison);
/* The number of items with `security` set. */
size_t lock_diff_security(const struct lock_diff *diff);
/* Appends one line per item: kind (security, newer, new, gone), group, name, versions. */
void lock_diff_print(const struct lock_diff *diff, struct text *ret);
struct json *lock_diff_json(const struct lock_diff *diff) MUST_CHECK;
void lock_diff_done(struct lock_diff *diff);
