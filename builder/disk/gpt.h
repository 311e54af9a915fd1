/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The partition table of a plan, both copies and the protective MBR (libfdisk behind; this is its only user).
 */
#include "builder/disk/disk.h"

#define GPT_SECTOR 512u

/* fd: a file of the plan's size. */
int gpt_write(const struct disk_plan *plan, int fd, struct error *err) MUST_CHECK;
