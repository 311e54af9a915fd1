/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What no golden image may carry: identities, keys, passwords, logs, caches, seeds. One table of rules; `seal_apply` makes a
 * tree obey it at the end of a build, `verify` checks the same table on the finished artifact.
 */
#include "builder/image.h"
#include "builder/recipe.h"
#include "lib/error.h"

enum seal_action {
	SEAL_ABSENT,	  /* must not exist (path may have one shell pattern in its last component) */
	SEAL_EMPTY_DIR,	  /* the directory stays, nothing in it */
	SEAL_EMPTY_FILE,  /* exists, 0 bytes */
	SEAL_CONTENT,	  /* exists with exactly this content */
};

struct seal_rule {
	enum seal_action action;
	const char *path;
	const char *content;
	const char *why; /* one clause, for the error message and the manifest */
};
extern const struct seal_rule seal_rules[];
extern const size_t seal_rules_count;

/* set: which artifact (rules may differ, e.g. machine-id). */
int seal_apply(const char *root, enum set set, struct error *err) MUST_CHECK;
/* Collects every finding (sentences) instead of stopping at the first. */
int seal_check(struct image *image, struct strings *ret_findings, struct error *err) MUST_CHECK;
