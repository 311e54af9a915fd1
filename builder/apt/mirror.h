/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which mirror to take: the one that this host itself installs from, as its own apt understands its sources (one line or
 * deb822, options and all). So a company's mirror is used without a word in a recipe.
 */
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/text.h"

struct mirror {
	char *archive;  /* owned; "http://HOST/debian" without a slash at the end */
	char *security; /* owned; NULL when there is none */
};

/* Recipe or override (may be NULL) first, the host for what they leave open. ERROR_HOST says what to name when the host cannot
 * tell. */
int mirror_find(const struct recipe *recipe, const char *override, struct mirror *ret, struct error *err) MUST_CHECK;
void mirror_done(struct mirror *mirror);

/* The pure part. targets: lines "SUITE\tCOMPONENT\tORIGIN\tURL"; ORIGIN may be empty. Looks for what carries CODENAME's `main`,
 * with suffix "" or "-security"; an origin that is known must be the distribution's id. The first one wins; *ret_others counts
 * different urls beside it. NULL when there is none. */
char *mirror_choose(const char *targets, const char *id, const char *codename, const char *suffix, size_t *ret_others)
	MUST_CHECK;
