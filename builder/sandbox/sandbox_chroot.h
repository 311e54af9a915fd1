/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A sandbox where neither mounts nor namespaces can be made: root in a container with no more than the usual capabilities. For
 * sandbox.c alone.
 *
 * The tree is entered by chroot(2). What would be mounted is moved: /dev, /proc, /run and /tmp of the tree, and programs that are
 * held, step aside while the cell stands and come back when it is left; directories that are to be shown inside move in and
 * out again, so they must be on the tree's file system. No directory's time tells of it. One cell at a time stands in a tree.
 *
 * A filter of system calls (seccomp) takes the network away. The warden, a process outside, is who orphans inside fall to
 * (PR_SET_CHILD_SUBREAPER): when the program is done, or the builder dies, it ends whoever is left. It also shows each process
 * itself in /proc (sandbox_chroot_proc.h), which has but a few files beside. The container's processes and IPC stay in reach.
 */
#include "builder/sandbox/sandbox.h"

/* Forks: returns 0 inside, in a child that is the program to be; the caller becomes the warden and never returns. */
int sandbox_chroot_enter(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* For who waited for the warden's end: fails when something could not be put back, as the tree is then not what it should be. */
int sandbox_chroot_check(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* A held program is itself again; from inside. */
int sandbox_chroot_release(const char *program, struct error *err) MUST_CHECK;
/* From then on this process and its children get no socket but those of their own machine (AF_UNIX). */
int sandbox_chroot_no_network(struct error *err) MUST_CHECK;

/* sandbox_chroot_setup.c: what steps aside is in the directory ROOT.aside; making that is the lock. */
int sandbox_chroot_populate(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* Everything is as it was, as far as it can be. */
void sandbox_chroot_clear(const struct sandbox *sandbox);
