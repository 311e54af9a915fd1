/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Debian version numbers, [EPOCH:]UPSTREAM[-REVISION], ordered as dpkg orders them (Debian policy 5.6.12).
 */
#include <stdbool.h>

/* Less than, equal to or greater than 0. */
int dpkg_version_compare(const char *a, const char *b);
/* relation: "<< 1.2-3", "<=", "=", ">=" or ">>" with a version; anything else is false. */
bool dpkg_version_satisfies(const char *version, const char *relation);
