/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How kubelet, kubeadm and kube-proxy are configured depending on where they run: on their own kernel, in a
 * privileged container, or in an unprivileged one. The image's part of it is in
 * rootfs-overlays/containerd-lxc and lxc.
 */
#include "agent/facts.h"

struct profile {
	const char *name;
	struct profile_arg {
		const char *name, *value; /* NULL = no more */
		int last_minor;           /* a later kubelet does it by default; 0 = none */
	} kubelet_args[2];
	const char *checks[3]; /* kubeadm's checks that cannot succeed; NULL = no more */
	bool keep_conntrack;   /* the connection tracking limits are the host's */
	int first_minor;       /* the first minor version of Kubernetes that runs so; 0 = all */
};

const struct profile *profile_of(const struct facts *m);
