/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree into an empty ext4 file system: names in order, hard links, holes, devices and the guest's extended attributes
 * kept; mounts in the tree followed, lost+found left out.
 */
#include "builder/disk/ext4.h"

/* fs was made of make. Later times become its epoch. */
int ext4_populate(struct ext4 *fs, const struct ext4_make *make, const char *root, struct error *err) MUST_CHECK;
