/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Programs as files of a tree: mode 0755 whatever the umask; an existing file is replaced. Paths in the tree are resolved
 * inside it.
 */
#include "lib/error.h"

/* An empty program file, or -1. */
int program_create(int rootfd, const char *path, struct error *err) MUST_CHECK;
/* Copies an open file; name: for errors. */
int program_copy(int in, const char *name, int rootfd, const char *path, struct error *err) MUST_CHECK;
/* Copies the file `from`. */
int program_install(const char *from, int rootfd, const char *path, struct error *err) MUST_CHECK;
