/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes the partition table of a plan: both copies and the protective MBR. This is the only user of libfdisk.
 */
#include "builder/disk/disk.h"

#define GPT_SECTOR 512u

/* fd: a file of the plan's size. */
int gpt_write(const struct disk_plan *plan, int fd, struct error *err) MUST_CHECK;
