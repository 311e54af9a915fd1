/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a process gives up as the last step before it is inside a sandbox, and what nothing that it starts gets back: its keys,
 * the capabilities that no package needs, system calls (sandbox_calls.h) and, in a chroot, everything outside of the
 * tree by Landlock. Private to the sandbox_* files.
 */
#include "builder/sandbox/sandbox.h"

int sandbox_restrict(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* opaque_below when it is in force, else NULL. */
const char *sandbox_restrict_opaque(const struct sandbox *sandbox);
