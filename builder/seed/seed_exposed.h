/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file of secrets in a git work tree that does not ignore it is committed by the next `git add .`.
 */
#include <stdbool.h>

/* Whether file, which need not exist, is such a file. Where git cannot say it (it is not installed, or the tree is another user's),
 * it counts as not ignored. */
bool seed_is_exposed(const char *file);
/* Warns of it. */
void seed_warn_exposed(const char *file);
