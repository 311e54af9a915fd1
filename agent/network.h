/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * networking.pod_network: bridge. The simplest pod network: the CNI project's bridge plugin with the node's own pod CIDR, in
 * NETWORK_CONFLIST. Another network's configuration in /etc/cni/net.d is left alone and wins.
 */
#include "lib/error.h"
#include "lib/text.h"

#define NETWORK_DIRECTORY "/etc/cni/net.d"
#define NETWORK_CONFLIST NETWORK_DIRECTORY "/10-nodekiln.conflist"

/* Pure. */
void network_bridge_conflist(const char *pod_cidr, struct text *ret);
/* The pod CIDR in our configuration, owned; NULL when there is none. */
char *network_pod_cidr(const char *root) MUST_CHECK;
/* Nothing is written when it stands there already; it is taken away when somebody else's has come. */
int network_write_bridge(const char *root, const char *pod_cidr, struct error *err) MUST_CHECK;
/* Removes ours; none is fine. */
int network_remove(const char *root, struct error *err) MUST_CHECK;
