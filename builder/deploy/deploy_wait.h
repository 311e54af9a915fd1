/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Another run with the same file of secrets is waited for: says which. */
#include <sys/types.h>

/* Says that the file is locked, and by which process. Does nothing when it is not locked. */
void deploy_wait_tell(const char *file);
/* The process that holds a flock(2) on a file, from the text of /proc/locks (proc_locks(5)); 0 = none that is seen. Pure. */
pid_t deploy_wait_holder(const char *locks, ino_t inode);
