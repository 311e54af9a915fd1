/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The socket at which kubelet and kubeadm find the container runtime: what the node's configuration says (cri_socket), else that of
 * the runtime which is installed.
 */
#include "agent/facts.h"
#include "lib/node_config.h"

/* unix:///...; NULL: there is no runtime, or there are several and none was chosen, which is preflight's to say. Borrowed. */
const char *cri_socket(const struct node_config *node, const struct facts *machine);
/* The same in the form that this kubeadm wants: up to 1.23 a path (it compares dockershim's as it stands), then a URL. */
const char *cri_socket_of_kubeadm(const struct node_config *node, const struct facts *machine);
/* kubelet itself speaks to Docker. */
bool cri_is_dockershim(const struct node_config *node, const struct facts *machine);
