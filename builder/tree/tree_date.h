/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A date that follows from a tree's packages alone: that of their newest changelog. What maintainer scripts date by SOURCE_DATE_EPOCH
 * (shadow's last change of a password, times in the initramfs) gets this date, not the build's: a tree in the cache serves builds of any
 * day.
 */
#include <time.h>

#include "lib/error.h"

#define TREE_DATE_OLDEST                                                                                               \
	1577836800 /* 2020-01-01, for a tree without changelogs; 1970 would be a password that is overdue */

int tree_date(int rootfd, time_t *ret, struct error *err) MUST_CHECK;
