/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Gives up the rights of the calling process, which then only computes: it reads and writes the descriptors that are open, and can
 * open nothing, start no program and reach no other process. For the parsing of foreign images, whose libraries (libext2fs, libarchive,
 * zstd) are large.
 *
 * The process becomes an unmapped user in user, mount, network, IPC and UTS namespaces of its own, without capabilities, and its root
 * directory has no files; where no user namespace can be made, root becomes `nobody` at least. A seccomp filter allows the system calls in
 * a table; it is never left out.
 */
#include <stdbool.h>

#include "lib/error.h"

/* Call it before any thread is started; there is no way back. ERROR_HOST where the kernel forbids seccomp(2). */
int confine(struct error *err) MUST_CHECK;
bool confined(void);
