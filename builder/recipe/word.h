/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The shapes of single words that come from recipes and lock files. What passes is safe in a path, an argv or an apt source.
 */
#include <stdbool.h>
#include <stddef.h>

bool word_is_name(const char *s);    /* of a recipe: DNS labels, so that PVE takes it as a guest's name */
bool word_is_package(const char *s); /* Debian's rule for names */
bool word_is_version(const char *s); /* Debian's rule for versions */
bool word_is_file_name(const char *s);
bool word_is_path(const char *s); /* absolute, no empty, "." or ".." part */
bool word_is_unit(const char *s);
bool word_is_url(const char *s); /* http, https or file; no spaces or quotes */
bool word_is_hex(const char *s, size_t digits);
/* Kubernetes' "1.34" or "1.34.1" into its numbers; *ret_patch is -1 when there is none. */
bool word_is_release(const char *s, int *ret_major, int *ret_minor, int *ret_patch);
