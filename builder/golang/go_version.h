/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Versions of Go modules, "v1.2.3" with an optional "-PRERELEASE" and "+BUILD", ordered as the go command orders them (package
 * golang.org/x/mod/semver): "v1" and "v1.2" are short forms, a pseudo-version is a prerelease, and the build does not count.
 */
#include <stdbool.h>

#include "lib/macro.h"

bool go_version_is_valid(const char *version);
/* False for prereleases, pseudo-versions and what is not valid. "+incompatible" is a release. */
bool go_version_is_release(const char *version);
/* Less than, equal to or greater than 0. What is not valid is less than all versions. */
int go_version_compare(const char *a, const char *b);
/* The version of Go in Debian's version of a package of it: "1.26.11-1~bpo13+1" is v1.26.11, "1.27~rc1-1" v1.27.0-rc.1. Owned
 * by the caller. */
char *go_version_of_debian(const char *debian) MUST_CHECK;
