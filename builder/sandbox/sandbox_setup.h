/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The room of a sandbox: what stands in the tree while its programs run, and the walls around it. For sandbox.c alone.
 */
#include <stdbool.h>

#include "builder/sandbox/sandbox.h"

#define SANDBOX_HOSTNAME "localhost" /* scripts write it into files: never the build host's */
#define SANDBOX_POLICY "usr/sbin/policy-rc.d"
#define SANDBOX_FORBID "dev/.forbid" /* what stands in for it: no service may start */

/* In a mount and network namespace of our own, as its first process: furnishes the tree and makes it /. */
int sandbox_setup_enter(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* A mount point for policy-rc.d in the tree: true when it was missing and had to be made. */
bool sandbox_setup_open_policy(const char *root);
void sandbox_setup_close_policy(const char *root);

/* What every room's /dev has, the cell's too (sandbox_chroot.h): links into /proc, and the programs that stand in for others. */
int sandbox_setup_links(int rootfd, struct error *err) MUST_CHECK;
int sandbox_setup_stubs(int rootfd, struct error *err) MUST_CHECK;
/* Absolute path of the one that is for a held program. */
const char *sandbox_setup_stub(const char *program);
/* True when the program that stands in, in the room whose / is ours, has been called as this one. */
bool sandbox_setup_called(const char *program);
