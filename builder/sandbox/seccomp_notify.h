/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Calls that a seccomp filter passes to another process, the supervisor (seccomp_unotify(2)): the filter's listener is sent to it
 * through a socket; it reads the caller's memory, and replies or lets the kernel continue the call.
 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

int seccomp_notify_send(int socket, int listener, struct error *err) MUST_CHECK;
/* In the supervisor: -1 when none arrives. The caller closes it. */
int seccomp_notify_receive(int socket);

/* Opens the memory of the caller. process_vm_readv(2) would do, but Docker before 23 refuses it. */
int seccomp_notify_memory(pid_t pid, int flags);
/* Reads up to n bytes of it: the mapping may end earlier. */
ssize_t seccomp_notify_read(pid_t pid, uint64_t address, void *to, size_t n);
/* False when the text does not end within size bytes. */
bool seccomp_notify_read_text(pid_t pid, uint64_t address, char *to, size_t size);

/* True while the caller still waits, so its pid has not been reused. The gap between this check and the use of the pid does
 * no harm: the kernel assigns pids in ascending order, so a freed pid is not reused at once. */
bool seccomp_notify_waits(int listener, const struct seccomp_notif *request);
/* Failure is ignored: the caller may have ended. rc: the call's result, or -errno. */
void seccomp_notify_continue(int listener, const struct seccomp_notif *request);
void seccomp_notify_reply(int listener, const struct seccomp_notif *request, long rc);
/* Waits for one call and has it answered by fn(context). False when no process is left that could call. */
typedef void seccomp_notify_fn(int listener, const struct seccomp_notif *request, const char *context);
bool seccomp_notify_answer(int listener, seccomp_notify_fn *fn, const char *context);
