/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes the calling process root that can neither mount nor make namespaces, as in a container (rootless_restricted()). This
 * cannot be undone, so tests call it in a job.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/sandbox/rootless.h"
#include "lib/error.h"

static inline int restricted_enter(struct error *err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1), /* EPERM */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ||
	    syscall(SYS_capget, &header, data) < 0)
		return error_set(err, ERROR_FAILED, "cannot filter unshare(2)");
	data[CAP_SYS_ADMIN / 32].effective &= ~(1u << CAP_SYS_ADMIN % 32);
	data[CAP_SYS_ADMIN / 32].permitted &= ~(1u << CAP_SYS_ADMIN % 32);
	data[CAP_SYS_ADMIN / 32].inheritable &= ~(1u << CAP_SYS_ADMIN % 32);
	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(err, ERROR_FAILED, "cannot drop CAP_SYS_ADMIN");
	if (rootless_enter(err) < 0)
		return -1;
	return rootless_restricted() ? 0 : error_set(err, ERROR_FAILED, "the process can still make namespaces");
}
