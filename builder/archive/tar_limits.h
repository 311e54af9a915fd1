/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What one archive may have (TAR_MEMBERS_MAX, TAR_SIZE_MAX, TAR_PATH_MAX), counted while it is read. */
#include "builder/archive/tar.h"

struct tar_limits {
	uint64_t members, bytes; /* so far */
};

/* Counts the next member, and refuses it beyond a limit or without a usable name. archive: for the message. */
int tar_limits_check(struct tar_limits *l, const char *archive, const struct tar_entry *e, struct error *err)
	MUST_CHECK;
