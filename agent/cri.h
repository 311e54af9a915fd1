/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The socket at which kubelet and kubeadm find the container runtime: the one in the node's configuration
 * (cri_socket), else that of the installed runtime.
 */
#include "agent/facts.h"
#include "lib/node_config.h"

/* unix:///...; NULL when there is no runtime, or several and none is chosen, which preflight reports.
 * Borrowed. */
const char *cri_socket(const struct node_config *node, const struct facts *machine);
/* The same in the form that this kubeadm expects: a path up to 1.23 (kubeadm compares dockershim's
 * literally), a URL later. */
const char *cri_socket_of_kubeadm(const struct node_config *node, const struct facts *machine);
/* Whether kubelet itself talks to Docker. */
bool cri_is_dockershim(const struct node_config *node, const struct facts *machine);
/* A feature gate, NAME=BOOL, that kubelet needs with this runtime; NULL: none. Borrowed. */
const char *cri_kubelet_gate(const struct node_config *node, const struct facts *machine);
