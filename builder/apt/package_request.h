/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The packages that a recipe requests from apt: those of each lock group, and the source packages of the programs that are
 * compiled.
 */
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

struct package_request {
	struct strings group[LOCK_GROUPS]; /* arguments of apt-get install; empty: the group is empty */
	struct strings sources;            /* arguments of apt-get source, sorted by name */
};

/* The recipe must say compiled or packaged for agent.libcurl: resolve() decides what auto means. */
int package_request_make(const struct recipe *recipe, struct package_request *ret, struct error *err) MUST_CHECK;
void package_request_done(struct package_request *request);
/* The cache key of the solution. extra: include packages.extra, else as if it were empty. */
void package_request_digest(const struct package_request *request, bool extra, char ret_hex[SHA256_HEX]);

/* "1.20.5+really1.20.2-1.1+deb12u1" and "1.20.2-1.1" are both "1.20.2"; owned by the caller. */
char *package_request_upstream_version(const char *debian_version) MUST_CHECK;
