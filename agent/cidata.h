/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The volume labelled cidata (or CIDATA, as vfat has it) among this guest's block devices: what cloud-init's NoCloud source reads.
 * It is mounted read-only where nobody else can look, and detached at once: the returned directory alone keeps it, so that nothing
 * is left behind whenever we end.
 */
#include "lib/error.h"

/* 1 with a directory that the caller closes; 0 when there is no such volume; -1. */
int cidata_open(const char *root, int *ret_directory, struct error *err) MUST_CHECK;
/* Part, for tests: 1 when device (or a plain file) has that label, with its file system's name ("iso9660", "vfat"); 0 when it
 * has another or cannot be read. */
int cidata_probe(const char *device, const char **ret_type);
