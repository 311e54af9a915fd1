/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The volume labelled cidata (or CIDATA, as vfat has it) among this guest's block devices: what cloud-init's
 * NoCloud data source reads. It is mounted read-only on a directory that only root can enter, and detached at
 * once. Only the returned directory keeps the mount alive, so nothing is left behind when this process ends,
 * however it ends.
 */
#include "lib/error.h"
#include "lib/text.h"

/* Adds the names of all such devices below /dev, the one that cloud-init reads first: the last by name. */
int cidata_list(const char *root, struct strings *ret, struct error *err) MUST_CHECK;
/* Opens the one that cloud-init uses: the first that has meta-data and user-data; where none has, the first. Returns 1 with a directory that the caller closes, 0 when there is no such volume, or -1. */
int cidata_open(const char *root, int *ret_directory, struct error *err) MUST_CHECK;
/* For tests. Returns 1 when device (or a plain file) has that label, with the name of its file system
 * ("iso9660", "vfat"); 0 when it has another label or cannot be read. */
int cidata_probe(const char *device, const char **ret_type);
