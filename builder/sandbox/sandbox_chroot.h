/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The sandbox where neither mounts nor namespaces can be made: root in a container with only the usual
 * capabilities. Private to sandbox.c.
 *
 * The tree is entered by chroot(2). Nothing is mounted: the tree's own /dev, /proc, /run and /tmp, and
 * programs that are stubbed, are moved aside while the chroot is in use and moved back afterwards. A bind's
 * source is moved into the tree and out again, so it must be on the tree's file system. The directories'
 * times are restored. A tree can have one such sandbox at a time.
 *
 * A seccomp filter takes the network away. The supervisor, a process outside, is the subreaper of everything
 * inside (PR_SET_CHILD_SUBREAPER): when the program has ended, or the builder dies, it kills the processes
 * that are left. It also emulates /proc/self (sandbox_chroot_proc.h), and two files of each process in the tree; /proc has only a few
 * other files.
 * Processes and IPC of the container stay in reach.
 */
#include "builder/sandbox/sandbox.h"

/* Forks: the child returns 0 inside the chroot, to exec the program; the calling process becomes the
 * supervisor and never returns. */
int sandbox_chroot_enter(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* To be called after the supervisor's end. Fails when something could not be moved back: the tree is then
 * incomplete. */
int sandbox_chroot_check(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* From inside: moves a stubbed program back. */
int sandbox_chroot_release(const char *program, struct error *err) MUST_CHECK;
/* Refuses this process and its children all sockets except AF_UNIX. */
int sandbox_chroot_no_network(struct error *err) MUST_CHECK;

/* sandbox_chroot_setup.c: the directory ROOT.aside holds what is moved aside; its creation is the lock. */
int sandbox_chroot_populate(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* Moves back as much as it can; removes ROOT.aside when that was everything. */
void sandbox_chroot_clear(const struct sandbox *sandbox);
