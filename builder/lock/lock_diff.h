/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a lock differs from one resolved today, and what else is known about it: advisories, components whose minor ends.
 * `lock --check` prints it.
 *
 * An item is a security update when a suite called *-security has a version that is newer than the locked one. The newest
 * version itself may come from another suite: a point release includes earlier updates, and other suites may be ahead.
 */
#include "builder/lock/lock.h"
#include "lib/json.h"
#include "lib/text.h"

struct lock_diff_item {
	/* borrowed; lock_group_names, "components", "sources" or "binaries"; "modules" of an advisory */
	const char *group;
	char *name;      /* owned */
	char *from, *to; /* owned; versions, or digests of binaries; NULL = the package is not in that lock */
	bool security;
	char *id,
		*summary; /* owned; of an advisory about this module, whose fix is in `to`; NULL = it is no advisory */
	struct strings users; /* of an advisory: the components that have the module */
	int64_t end_of_life; /* the last day of the component's minor, seconds since 1970; 0 = that is not what the item says */
	bool ended;          /* on the day of the check */
};

struct lock_diff {
	VEC(struct lock_diff_item) items;
};

void lock_diff_compare(const struct lock *locked, const struct lock *now, struct lock_diff *ret);
/* Adds a component of the lock whose minor has ended, or ends within LOCK_DIFF_WARNING. */
void lock_diff_end_of_life(struct lock_diff *diff, const char *component, const char *version, int64_t end_of_life,
			   int64_t today);
#define LOCK_DIFF_DAY (24 * 60 * 60)           /* seconds */
#define LOCK_DIFF_WARNING (90 * LOCK_DIFF_DAY) /* seconds */
/* The number of items that make a lock outdated: all but ends that are still to come. */
size_t lock_diff_outdated(const struct lock_diff *diff);
/* Adds the names of packages and source packages whose version differs, each once. */
void lock_diff_names(const struct lock_diff *diff, struct strings *ret);
/* Sets `security` of the items. madison: output of `apt-cache madison` for them, lines of the form
 * "NAME | VERSION | URL SUITE/COMPONENT ARCHITECTURE Packages", for a source package "... | URL SUITE/COMPONENT Sources". */
void lock_diff_mark_security(struct lock_diff *diff, const char *madison);
/* The number of items with `security` set. */
size_t lock_diff_security(const struct lock_diff *diff);
/* Appends one line per item: kind (security, newer, new, gone, advisory, ended, ends), group, name, versions. */
void lock_diff_print(const struct lock_diff *diff, struct text *ret);
struct json *lock_diff_json(const struct lock_diff *diff) MUST_CHECK;
void lock_diff_done(struct lock_diff *diff);
