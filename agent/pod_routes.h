/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The other half of networking.pod_network: bridge (agent/cni_bridge.h). A pod on one node reaches a pod on
 * another because each node has a route to every other node's pod CIDR, through that node's address. All
 * nodes must be in one L2 network, as on one bridge of Proxmox VE. Packets between pods keep their source
 * address; packets that leave the cluster are masqueraded.
 *
 * `nodekiln-agent routes` updates the routes once; with --follow, as nodekiln-routes.service runs it, whenever
 * a Node changes. It queries the API server with this node's kubelet credentials, so it needs no secret of its
 * own; control planes give all nodes the right to list and watch Nodes (kube_grant_peers()). Our routes carry the
 * protocol number POD_ROUTES_PROTOCOL, and our rules are in chains of our own: other routes and rules are not touched.
 */
#include "agent/kube.h"
#include "lib/text.h"

#define POD_ROUTES_PROTOCOL 110 /* unused in /etc/iproute2/rt_protos */
#define POD_ROUTES_CHAIN "NODEKILN-PODS"

/* Input for `ip -batch -` that turns the current routes (the JSON of `ip -j route show proto
 * POD_ROUTES_PROTOCOL`) into those that the peers need; empty when nothing changes. own: our node's pod CIDR;
 * its family is the pod network's. Pure. */
int pod_routes_batch(const struct kube_peers *peers, const char *own, const char *current, size_t len, struct text *ret,
		     struct error *err) MUST_CHECK;
/* Input for `iptables-restore --noflush` (or ip6tables-restore): the content of our chains. Pure. */
void pod_routes_rules(const struct kube_peers *peers, const char *own, struct text *ret);
/* Updates routes and rules if this node uses the bridge. */
int pod_routes_sync(const char *root, struct error *err) MUST_CHECK;
/* Watches the Nodes and updates routes and rules with each change; a fault is kept for pod_routes_fault() and tried again.
 * Returns 0 when this node does not use the bridge, else never. */
int pod_routes_follow(const char *root) MUST_CHECK;
/* Why the routes are not right, one sentence; NULL = they are. The caller frees it. */
#define POD_ROUTES_FAULT_FILE "/run/nodekiln/routes-fault"
char *pod_routes_fault(const char *root) MUST_CHECK;
