/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stack: trees on top of each other that are read and changed as one, at target. Changes are stored in the upper
 * directory, which can be a lower tree of the next stack.
 *
 * The kernel does this with an overlay mount. Where mounting is not allowed (rootless_restricted()), target is a copy
 * of all trees. overlayfs_close() then turns it into the upper directory: it removes all that the lower trees also have
 * (overlayfs_copy.c), so that only what was added or changed is left, and adds a whiteout, a device node without a
 * driver, for each entry that was removed. Both ways produce the same tree; times are equal to the second.
 */
#include <sys/sysmacros.h>

#include "lib/error.h"
#include "lib/text.h"

/* Not 0:0 as in overlays: on an overlay, such as a container's own file system, mknod(2) fails for that. */
#define OVERLAYFS_WHITEOUT makedev(0, 1)
#define OVERLAYFS_LOWER_MAX 3

struct overlayfs {
	/* Borrowed, all absolute paths; the topmost first, NULL after the lowest. */
	const char *lower[OVERLAYFS_LOWER_MAX];
	const char *upper, *work, *target;
};

/* upper need not be empty; work and target are empty directories in the same file system. */
int overlayfs_open(const struct overlayfs *stack, struct error *err) MUST_CHECK;
/* Afterwards upper is complete and nothing is left at target. */
int overlayfs_close(const struct overlayfs *stack, struct error *err) MUST_CHECK;
/* Overlays store their state in extended attributes that depend on the user's privileges, so the cache keeps each kind
 * of upper directory under a name of its own, which ends in this suffix ("" is possible). */
const char *overlayfs_suffix(void);

/* Mounts nothing: removes from tree all that base also has, and creates a whiteout for each entry that only base
 * has. */
int overlayfs_copy_subtract(const char *tree, const char *base, struct error *err) MUST_CHECK;
