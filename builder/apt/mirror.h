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
	bool follows;   /* security follows from archive (mirror_security()) */
	char *skipped;  /* owned; the host's: a source that nothing but its own apt can read (cdrom:), or NULL */
};

/* What the command line names; each may be NULL. Borrowed. */
struct mirror_options {
	const char *archive, *security; /* --mirror, --security-mirror */
};

/*
 * The options win, then the recipe, then the host's sources. Where the archive is named and the mirror of its security updates
 * is not, this one is next to it (mirror_security()), and the host's sources have no part in it: a closed network has one server.
 * ERROR_HOST when nothing names a mirror.
 */
int mirror_find(const struct recipe *recipe, const struct mirror_options *options, struct mirror *ret,
		struct error *err) MUST_CHECK;
/* mirror_host.c: the host's mirrors; all NULL when the host is of another distribution than id or has no sources. Where several
 * sources fit and the host's package lists do not know the distribution's, they are asked what they are. */
int mirror_find_host(const char *os_release_file, const char *id, const char *architecture, struct mirror *ret,
		     struct error *err) MUST_CHECK;
/* Adds to an error about a mirror that was not named but follows from another: how to name it. Returns -1. */
int mirror_explain(const struct mirror *mirror, struct error *err);
void mirror_done(struct mirror *mirror);

/* Pure. "http://HOST/debian-security" for "http://HOST/debian", as Debian's own servers and their mirrors have it: the last
 * part of the path that is the distribution's id gets "-security", else the last part. Owned by the caller; NULL for a URL
 * without a path. */
char *mirror_security(const char *archive, const char *id) MUST_CHECK;
