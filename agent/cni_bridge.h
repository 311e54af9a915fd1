/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * networking.pod_network: bridge. The simplest pod network: the CNI project's bridge plugin with the node's own pod CIDR, in
 * CNI_BRIDGE_CONFLIST. Another network's configuration in /etc/cni/net.d is left alone and wins.
 */
#include "lib/error.h"
#include "lib/text.h"

#define CNI_BRIDGE_DIRECTORY "/etc/cni/net.d"
#define CNI_BRIDGE_CONFLIST CNI_BRIDGE_DIRECTORY "/10-nodekiln.conflist"

/* Pure. */
void cni_bridge_conflist(const char *pod_cidr, struct text *ret);
/* The pod CIDR in our configuration, owned; NULL when there is none. */
char *cni_bridge_pod_cidr(const char *root) MUST_CHECK;
/* Nothing is written when it stands there already; it is taken away when somebody else's has come. */
int cni_bridge_write(const char *root, const char *pod_cidr, struct error *err) MUST_CHECK;
/* Removes ours; none is fine. */
int cni_bridge_remove(const char *root, struct error *err) MUST_CHECK;
