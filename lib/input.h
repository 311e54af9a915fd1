/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files that a user names: what cannot be opened or is a directory is ERROR_INPUT, "NAME: No such file or directory".
 */
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"

/* For reading; an fd that the caller closes. */
int input_open(const char *path, struct error *err) MUST_CHECK;
/* The whole file into *ret, which must be empty; a NUL follows. More than limit bytes is an error. A byte order mark of UTF-8, as editors of
 * Windows write it, is left out. */
int input_read(const char *path, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
