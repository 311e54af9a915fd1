/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * /proc/self in a cell. systemd-tmpfiles and shells find their own open files there, and nothing can be mounted; so a filter hands
 * the system calls that take a path to the warden, which stands outside and has the container's /proc. A path below /proc/self, or
 * one of /dev that leads there, it looks up for the process that asks, does the call in its place and answers; all
 * others the kernel goes on with. A process that the warden may not read (it has become another user) does without.
 * uname(2) it answers as well: the host's name is that of every sandbox. It follows no way that leads on behind one of the links
 * there (/proc/self/root/etc), which outside would end outside of the tree.
 *
 * This is furniture and no wall: the kernel reads a path again when it goes on, and root's programs inside are root.
 */
#include "lib/error.h"

/* Inside: from now on. The listener goes through the socket to the warden. */
int sandbox_chroot_proc_ask(int socket, struct error *err) MUST_CHECK;
/* The warden's: what came through the socket, -1 when nothing did. */
int sandbox_chroot_proc_listener(int socket);
/* Answers one call; root is the cell's tree, outside. False when nobody is left to ask. */
bool sandbox_chroot_proc_answer(int listener, const char *root);
