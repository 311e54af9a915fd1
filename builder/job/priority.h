/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lowers the priority of jobs that nothing waits for yet. dpkg starts thousands of short programs one after the
 * other; when a compressor runs at the same time, each of them waits for a time slice of the CPU, however nice the
 * compressor is, since Linux 6.6 lets a task keep its slice. A SCHED_IDLE task (sched(7)) is preempted at once, but
 * starves on a busy machine: it must be able to return to its policy as soon as the build waits for it. Leaving
 * SCHED_IDLE requires CAP_SYS_NICE in the initial user namespace, or RLIMIT_NICE. Without these, only the job's
 * nice value is raised.
 */
#include <stdbool.h>
#include <sys/types.h>

/* Lowers a process that has just been started, and what it starts afterwards. A pid that has ended is no error. */
void priority_lower(pid_t pid);
/* Restores pid, its threads and its descendants, as far as /proc shows them, from SCHED_IDLE. A raised nice value
 * stays. */
void priority_restore(pid_t pid);
/* True when pid could leave SCHED_IDLE again, as priority_lower() requires. When it could not, its
 * nice value may be raised by one. */
bool priority_idle_allowed(pid_t pid);
