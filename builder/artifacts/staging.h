/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A staging directory: a hidden directory in which one process at a time makes files that are published
 * later. The process holds a flock(2) on it; when it dies, by whatever signal, the next one to enter finds
 * what it left.
 */
#include <stdbool.h>

#include "lib/error.h"

/* Enters the directory `name` below dirfd and makes it if it is missing (0700); one of another user is ERROR_TRUST. Returns an
 * fd (caller closes), which holds the lock; *ret_made: the directory is new and empty, not left by another process. -1 with *err;
 * *ret_busy: another process holds the lock. */
int staging_enter(int dirfd, const char *name, bool *ret_made, bool *ret_busy, struct error *err) MUST_CHECK;
