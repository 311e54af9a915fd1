/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * /proc/self inside a chroot without a mounted /proc. systemd-tmpfiles and shells open their own descriptors
 * there. A seccomp filter passes the system calls that take a path to the supervisor (seccomp_unotify(2)),
 * which runs outside and has the container's /proc. For a path below /proc/self, or one of the /dev links
 * into it, the supervisor makes the call in place of the caller, on the caller's own /proc/PID, and returns
 * the result; the kernel continues all other calls. A caller whose memory the supervisor may not read, since
 * it has become another user, sees no /proc/self. uname(2) is answered as well: every sandbox has the same
 * host name. The supervisor never follows a path through one of the magic links (/proc/self/root/etc), which
 * would lead out of the tree.
 *
 * This is a convenience, not a security boundary: the kernel reads the path again when it continues a call,
 * and the programs inside run as root.
 */
#include "lib/error.h"

/* Called inside: installs the filter and sends its listener through the socket to the supervisor (seccomp_notify.h). ERROR_HOST
 * when /proc/self does not work afterwards. */
int sandbox_chroot_proc_install(int socket, struct error *err) MUST_CHECK;
/* In the supervisor: answers one call; root is the path of the tree outside. False when no process is left
 * that could call. */
bool sandbox_chroot_proc_answer(int listener, const char *root);
