/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Copies a tree into an empty ext4 file system: sorted by name; hard links, holes, devices and the guest's extended
 * attributes are kept; mounts in the tree are followed, lost+found is left out.
 */
#include "builder/disk/ext4.h"

/* fs was made from make. Times later than its epoch become the epoch. */
int ext4_populate(struct ext4 *fs, const struct ext4_make *make, const char *root, struct error *err) MUST_CHECK;
