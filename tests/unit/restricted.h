/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Takes rights from the calling process, so that it can neither mount nor make namespaces, as root in a container
 * (rootless_restricted()). This cannot be undone, so tests call it in a job.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/sandbox/rootless.h"
#include "builder/sandbox/seccomp.h"
#include "lib/error.h"
#include "lib/macro.h"

/* capabilities: a bit each. */
static inline int restricted_drop(unsigned long long capabilities, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno(err, errno, "capget");
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
		unsigned kept = ~(unsigned)(capabilities >> (32 * i));
		data[i].effective &= kept;
		data[i].permitted &= kept;
		data[i].inheritable &= kept;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, errno, "capset");
	return 0;
}

/* As in a container whose seccomp profile refuses namespaces. */
static inline int restricted_refuse_namespaces(struct error *err)
{
	static const struct sock_filter no_unshare[] = {
		FILTER_LOOK_AT(nr),
		FILTER_IS(SYS_unshare, 0, 1),
		FILTER_ANSWER(SECCOMP_RET_ERRNO | EPERM),
		FILTER_ANSWER(SECCOMP_RET_ALLOW),
	};

	return seccomp_install(no_unshare, ARRAY_SIZE(no_unshare), 0, err);
}

static inline int restricted_enter(struct error *err)
{
	if (restricted_refuse_namespaces(err) < 0 || restricted_drop(1ull << CAP_SYS_ADMIN, err) < 0 ||
	    rootless_enter(err) < 0)
		return -1;
	if (!rootless_restricted())
		return error_set(err, ERROR_FAILED, "the process can still make namespaces");
	return 0;
}
