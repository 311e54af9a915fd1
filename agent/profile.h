/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubelet, kubeadm and kube-proxy have to do otherwise because of where they run: on a kernel of their own, in a privileged
 * container, or in an unprivileged one. The image's part of it is in rootfs-overlays/containerd-lxc and lxc.
 */
#include "agent/facts.h"

struct profile {
	const char *name;
	const char *kubelet_args[2][2]; /* name, value; NULL = no more */
	const char *checks[3];          /* of kubeadm, which cannot pass; NULL = no more */
	bool keep_conntrack;            /* the limits are the host's */
	int first_minor;                /* of Kubernetes that runs so; 0 = all */
};

const struct profile *profile_of(const struct facts *m);
