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
	char *uid;      /* owned; NULL = it is not registered */
	char *pod_cidr; /* owned; NULL = none yet */
};
/* kubeconfig: a path below root. ERROR_NETWORK when the server does not answer (or is not up to it). A Node that has not
 * registered yet is one that is not Ready. */
int kube_get_node(const char *root, const char *kubeconfig, const char *name, struct kube_node *ret, struct error *err)
	MUST_CHECK;
/* Of the API's JSON; pure. */
int kube_node_parse(const char *text, size_t len, struct kube_node *ret, struct error *err) MUST_CHECK;
void kube_node_done(struct kube_node *n);
/* kubectl apply -f with admin.conf. Of a directory its .yaml, .yml and .json files, sorted by name. */
int kube_apply(const char *root, const char *file, struct error *err) MUST_CHECK;
