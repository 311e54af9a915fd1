/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sets up the root of a sandbox: the mount table, device nodes, stubs and binds, then pivot_root(2),
 * loopback and host name. Private to the sandbox_* files.
 */
#include <stdbool.h>

#include "builder/sandbox/sandbox.h"

#define SANDBOX_HOSTNAME "localhost" /* scripts write it into files: never the build host's */
#define SANDBOX_POLICY "usr/sbin/policy-rc.d"
#define SANDBOX_FORBID "dev/.forbid" /* the stub of policy-rc.d: no service may start */

/* Called in new mount, network and UTS namespaces: populates the tree and makes it /. */
int sandbox_setup_enter(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* Creates an empty policy-rc.d in the tree as a mount point. True when the file was missing and has
 * been made: sandbox_setup_close_policy() then removes it. */
bool sandbox_setup_open_policy(const char *root);
void sandbox_setup_close_policy(const char *root);

/* Makes the part of /dev that every sandbox has, a chroot included (sandbox_chroot.h): links into /proc, and the stub
 * programs. */
int sandbox_setup_links(int rootfd, struct error *err) MUST_CHECK;
int sandbox_setup_stubs(int rootfd, struct error *err) MUST_CHECK;
/* Absolute path, inside, of the stub for a program. Static. */
const char *sandbox_setup_stub(const char *program);
/* From inside: true when the stub has been run under the name of this program. */
bool sandbox_setup_called(const char *program);
