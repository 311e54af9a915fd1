/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree into an empty ext4 file system: names in order, hard links, holes, devices and the guest's extended attributes
 * kept; mounts in the tree followed, lost+found left out.
 */
#include "builder/ext4.h"

/* fd: the file that fs is in. Later times become epoch. */
int ext4_fill(struct ext4 *fs, int fd, const char *root, int64_t epoch, struct error *err) MUST_CHECK;
