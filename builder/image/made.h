/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files that are in no package's list and in no overlay, and still known: packages' scripts and the steps of the build make them. A
 * table names them by patterns, and what makes them.
 */
#include <stdbool.h>
#include <sys/stat.h>

/* Programs are known in few places only. */
bool made_known(const char *path, mode_t mode);
/* Whether all files below the directory are. */
bool made_below(const char *directory);
