/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * networking.pod_network: bridge. The simplest pod network: the CNI project's bridge plugin with the node's
 * own pod CIDR, configured in CNI_BRIDGE_CONFLIST. A configuration of another network in /etc/cni/net.d is
 * left alone and takes precedence.
 */
#include "lib/error.h"
#include "lib/text.h"

#define CNI_BRIDGE_DIRECTORY "/etc/cni/net.d"
#define CNI_BRIDGE_CONFLIST CNI_BRIDGE_DIRECTORY "/10-nodekiln.conflist"

/* Pure. */
void cni_bridge_conflist(const char *pod_cidr, struct text *ret);
/* The pod CIDR in our configuration, owned; NULL when there is none. */
char *cni_bridge_pod_cidr(const char *root) MUST_CHECK;
/* Writes our configuration unless the file has this content already; removes it when another network's
 * configuration is there. */
int cni_bridge_write(const char *root, const char *pod_cidr, struct error *err) MUST_CHECK;
/* Removes our configuration; it is not an error when there is none. */
int cni_bridge_remove(const char *root, struct error *err) MUST_CHECK;
