/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Another run with the same file of secrets is waited for: says which. */
#include <sys/types.h>

#include "lib/macro.h"

/* That the file is locked, and by which process; owned by the caller. NULL = it is not locked. */
char *seed_wait_text(const char *file) MUST_CHECK;
/* The process that holds a flock(2) on a file, from the text of /proc/locks (proc_locks(5)); 0 = none that is seen. Pure. */
pid_t seed_wait_holder(const char *locks, ino_t inode);
