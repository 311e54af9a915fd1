/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stack: trees above each other, seen and changed as one. What is changed ends in the upper directory, which is a tree of the
 * next stack.
 *
 * The kernel does that with an overlay. Where nothing may be mounted (rootless_restricted()) the target is a copy of them all, and when
 * the stack is closed it becomes the upper directory by taking away what it has in common with the lower ones (overlayfs_copy.c): what
 * was added or changed is left, and for each thing that was removed a whiteout, a device node that no driver has.
 * Both look the same, to the second.
 */
#include <sys/sysmacros.h>

#include "lib/error.h"
#include "lib/text.h"

/* Not the 0:0 of overlays: on an overlay, such as a container's own file system, nobody may make that. */
#define OVERLAYFS_WHITEOUT makedev(0, 1)
#define OVERLAYFS_LOWER_MAX 3

struct overlayfs {
	/* Borrowed, all absolute paths; the highest first, NULL behind the lowest. */
	const char *lower[OVERLAYFS_LOWER_MAX];
	const char *upper, *work, *target;
};

/* upper may hold something; work and target are empty directories beside it. */
int overlayfs_open(const struct overlayfs *stack, struct error *err) MUST_CHECK;
/* The target is gone and upper is whole. */
int overlayfs_close(const struct overlayfs *stack, struct error *err) MUST_CHECK;
/* Overlays keep notes in attributes that not everybody may set or see, so each kind of upper directory is kept under its own name:
 * this is put behind it. */
const char *overlayfs_suffix(void);

/* Pure of mounts: removes from tree what base has, too, and puts whiteouts where base has something and tree has nothing. */
int overlayfs_copy_subtract(const char *tree, const char *base, struct error *err) MUST_CHECK;
