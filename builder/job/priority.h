/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Work that nobody waits for yet gives way to what somebody waits for. dpkg starts thousands of short
 * programs one after the other; with a compressor beside it each of them waits for a slice of the CPU,
 * however nice the compressor is, as Linux since 6.6 lets a task have its slice. SCHED_IDLE (sched(7)) gives
 * way at once, but starves beside a busy stranger, so it has to be left again, and only some may:
 * CAP_SYS_NICE in the first user namespace, or RLIMIT_NICE. Who may not is nice instead.
 */
#include <sys/types.h>

/* Of a process just started, and of what it starts from then on. */
void priority_lower(pid_t pid);
/* Now somebody waits for pid: it, its threads and what it started, as far as /proc shows them. */
void priority_restore(pid_t pid);
