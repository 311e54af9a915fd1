/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The few requests to the Kubernetes API that a node needs about itself, with its own credentials:
 * /etc/kubernetes/kubelet.conf (or admin.conf) has the server, the CA and the client certificate.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

#define KUBELET_CONF "/etc/kubernetes/kubelet.conf"

struct kube_node {
	bool ready;
	char *reason;   /* owned; why it is not Ready, as kubelet reports it */
	char *uid;      /* owned; NULL = not registered */
	char *pod_cidr; /* owned; NULL = none yet */
	char *version;  /* owned; metadata.resourceVersion, for kube_wait_for_change(); NULL = not registered */
};
/* kubeconfig: a path below root. ERROR_NETWORK when the server does not answer or is not ready to. A Node
 * that has not registered yet counts as not Ready. */
int kube_get_node(const char *root, const char *kubeconfig, const char *name, struct kube_node *ret, struct error *err)
	MUST_CHECK;
/* Parses the API's JSON. Pure. */
int kube_node_parse(const char *text, size_t len, struct kube_node *ret, struct error *err) MUST_CHECK;
void kube_node_done(struct kube_node *n);

/* The other nodes, for routes to their pods. */
struct kube_peer {
	char *name, *address, *pod_cidr; /* owned; address: the InternalIP of pod_cidr's family; NULL = not known yet */
};
struct kube_peers {
	struct kube_peer *at; /* owned */
	size_t n, max;
	char *version; /* owned; metadata.resourceVersion of the list, for kube_wait_for_change(); NULL = unknown */
};
/* Lists all nodes, our own included, as a kubelet may read them. */
int kube_list_peers(const char *root, const char *kubeconfig, struct kube_peers *ret, struct error *err) MUST_CHECK;
/* Parses one page of a NodeList. *ret_next is the token of the next page, owned, NULL after the last. Pure. */
int kube_peers_parse(const char *text, size_t len, struct kube_peers *ret, char **ret_next, struct error *err)
	MUST_CHECK;
void kube_peers_done(struct kube_peers *peers);

/* Returns when the Node called name, or with NULL any Node, is another than in `version` (NULL: when it exists), or when
 * `seconds` have passed; also when the API server says that it no longer knows that version. Errors as of the other
 * requests. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
int kube_wait_for_change(const char *root, const char *kubeconfig, const char *name, const char *version, long seconds,
			 struct error *err) MUST_CHECK;

/* On a control plane, with admin.conf: lets the group system:nodes list and watch Nodes (ClusterRole and ClusterRoleBinding
 * KUBE_PEERS_ROLE), which the node authorizer no longer does from 1.34 on. They stay as they are when they exist. */
#define KUBE_ADMIN_CONF "/etc/kubernetes/admin.conf"
#define KUBE_PEERS_ROLE "nodekiln:pod-routes"
int kube_grant_peers(const char *root, struct error *err) MUST_CHECK;

/* Runs kubectl apply -f with admin.conf. Of a directory, its .yaml, .yml and .json files, sorted by name. */
int kube_apply(const char *root, const char *file, struct error *err) MUST_CHECK;
