/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Chooses the mirror: by default the one that this host itself installs from, as reported by its own apt, which reads both
 * source formats (one-line and deb822) with their options. So a company's mirror is used without naming it in a recipe.
 */
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/text.h"

struct mirror {
	char *archive;  /* owned; "http://HOST/debian" without a slash at the end */
	char *security; /* owned; of the security updates; NULL when unknown */
};

/* override (may be NULL) wins, then the recipe, then the host's sources. ERROR_HOST when none of them names a mirror. */
int mirror_find(const struct recipe *recipe, const char *override, struct mirror *ret, struct error *err) MUST_CHECK;
/* The host's mirrors; both NULL when the host is of another distribution than id or has no sources. */
int mirror_find_host(const char *os_release_file, const char *id, struct mirror *ret, struct error *err) MUST_CHECK;
void mirror_done(struct mirror *mirror);

/* Pure. targets: lines "SUITE\tCOMPONENT\tORIGIN\tURL"; ORIGIN may be empty. Returns the URL, owned by the caller, of the
 * first repository with component `main` of the suite codename + suffix ("" or "-security") whose origin is unknown or the
 * distribution's id; NULL when there is none. *ret_others counts further matches with another URL. */
char *mirror_choose(const char *targets, const char *id, const char *codename, const char *suffix, size_t *ret_others)
	MUST_CHECK;
