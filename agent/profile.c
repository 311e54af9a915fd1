/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/profile.h"

/* For containers. The host's swap may become visible to kubelet at any time and cannot be turned off
 * here; and kubeadm finds neither the kernel's configuration nor its modules. */
#define OF_CONTAINERS                                                                                                  \
	{                                                                                                              \
		"SystemVerification", "Swap"                                                                           \
	}
#define SWAP_MAY_BE_ON                                                                                                 \
	{                                                                                                              \
		"fail-swap-on", "false", 0                                                                             \
	}

enum { MACHINE, PRIVILEGED, UNPRIVILEGED };

static const struct profile profiles[] = {
	[MACHINE] = { .name = "machine" },
	[PRIVILEGED] = {
		.name = "privileged container",
		.kubelet_args = { SWAP_MAY_BE_ON },
		.checks = OF_CONTAINERS,
		.keep_conntrack = true,
	},
	[UNPRIVILEGED] = {
		.name = "unprivileged container",
		/* with this gate kubelet tolerates that it can neither write the host's sysctls nor open
		 * /dev/kmsg; older versions do not have it, and it is on from 1.37 on */
		.kubelet_args = { SWAP_MAY_BE_ON, { "feature-gates", "KubeletInUserNamespace=true", 36 } },
		.checks = OF_CONTAINERS,
		.keep_conntrack = true,
		.first_minor = 22,
	},
};

const struct profile *profile_of(const struct facts *m)
{
	if (!m->container)
		return &profiles[MACHINE];
	return &profiles[m->user_namespace ? UNPRIVILEGED : PRIVILEGED];
}
