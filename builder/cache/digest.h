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
/* Adds what is below the directory by names, types, sizes, inodes and times of the last change (ctime), and reads no
 * content: the kernel sets ctime on each write, rename, link and chmod, and no program can set it. So the digest differs
 * after any change, and for a copy. */
int digest_state(struct hash *h, const char *path, struct error *err) MUST_CHECK;
