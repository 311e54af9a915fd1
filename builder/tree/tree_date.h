/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A date that depends on a tree's packages only: the mtime of their newest changelog. It is the SOURCE_DATE_EPOCH of
 * the maintainer scripts (shadow's last password change, times in the initramfs) in place of the build's date, because
 * a cached tree is used by builds of any day.
 */
#include <time.h>

#include "lib/error.h"

/* 2020-01-01, for a tree without changelogs; with 1970, passwords would have expired. */
#define TREE_DATE_OLDEST 1577836800

int tree_date(int rootfd, time_t *ret, struct error *err) MUST_CHECK;
