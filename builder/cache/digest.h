/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The digest of a directory of sources (an overlay, the agent's code): names, types, permission bits,
 * contents and link targets, in sorted order. Owners and times are not part of it, so that two checkouts
 * agree.
 */
#include "lib/error.h"
#include "lib/hash.h"

/* Adds the directory to h. Anything but files, directories and symbolic links is ERROR_INPUT. */
int digest_directory(struct hash *h, const char *path, struct error *err) MUST_CHECK;
