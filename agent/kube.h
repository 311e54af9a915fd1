/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The little of the Kubernetes API that a node needs about itself, as itself: /etc/kubernetes/kubelet.conf (or admin.conf) gives
 * server, CA and client certificate.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

struct kube_node {
	bool ready;
	char *reason;   /* owned; why it is not Ready, in kubelet's words */
	char *uid;      /* owned */
	char *pod_cidr; /* owned; NULL = none yet */
};
/* kubeconfig: a path below root. ERROR_NETWORK when the server does not answer. */
int kube_get_node(const char *root, const char *kubeconfig, const char *name, struct kube_node *ret, struct error *err)
	MUST_CHECK;
void kube_node_done(struct kube_node *n);
/* kubectl apply -f FILE with admin.conf. */
int kube_apply(const char *root, const char *file, struct error *err) MUST_CHECK;
