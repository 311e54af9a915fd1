/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stage: a hidden directory in which one process at a time makes things that come out later. Who works in it holds a flock on
 * it; when its holder dies, by whatever signal, the next one to enter finds what was left.
 */
#include <stdbool.h>

#include "lib/error.h"

/* Enters the directory `name` below dirfd, making it if need be. The fd (caller closes) holds the lock; *ret_made tells a new,
 * empty stage from one that somebody left. -1: with *err, or, when another process holds it, with *ret_busy. */
int staging_enter(int dirfd, const char *name, bool *ret_made, bool *ret_busy, struct error *err) MUST_CHECK;
