/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The system calls that the programs of a sandbox may not make: those that reach the kernel itself, other processes or
 * keys, rather than the files of a tree. A refused call fails with an error that programs know from older kernels and
 * from containers; nothing is killed. A seccomp filter, made by libseccomp; private to the sandbox_* files.
 */
#include "lib/error.h"

enum sandbox_calls {
	/* Mounts, and new mount namespaces. */
	SANDBOX_CALLS_MOUNT = 1,
	/* In a chroot, not in namespaces: what leads out of a chroot, or makes device nodes, is refused too. */
	SANDBOX_CALLS_CHROOT = 2,
	/* setxattr(2) is passed to a supervisor: see sandbox_opaque.h. */
	SANDBOX_CALLS_OPAQUE = 4,
};

/* For the calling process and all that it starts; neither can get more privileges afterwards (no_new_privs). calls: a
 * set of enum sandbox_calls. *ret_listener, owned by the caller: with SANDBOX_CALLS_OPAQUE, for the supervisor; else unchanged. */
int sandbox_calls_refuse(unsigned calls, int *ret_listener, struct error *err) MUST_CHECK;
