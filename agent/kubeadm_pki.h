/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubeadm takes from the PKI that came with the seed (lib/node_pki.h): on a control plane the CAs and the key of service accounts,
 * which kubeadm uses when it finds them; for a join a kubeconfig with the CA, the endpoint and the node's client certificate as its
 * discovery file, in place of a bootstrap token.
 * https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/#file-or-https-based-discovery
 */
#include "agent/kubeadm_config.h"

#define KUBEADM_DISCOVERY_FILE "/run/nodekiln/discovery.conf"
/* The first minor version whose kubeadm takes ECDSA keys for everything, and whose kubelet joins with such a file. */
#define KUBEADM_PKI_FIRST_MINOR 31

/* Whether the deployer made the cluster's PKI. */
bool kubeadm_pki_given(const struct node_config *node);
/* Writes the files of a control plane to /etc/kubernetes/pki, over those that are there. Does nothing on a worker. */
int kubeadm_pki_write(const struct kubeadm_run *run, const char *root, struct error *err) MUST_CHECK;
/* kubeadm would try such a certificate for minutes. ERROR_INPUT when the node's certificate has ended, ERROR_HOST when it has
 * not begun: the guest's clock may be set later. */
int kubeadm_pki_check(const struct kubeadm_run *run, struct error *err) MUST_CHECK;
/* The content of KUBEADM_DISCOVERY_FILE: SECRET. */
void kubeadm_pki_discovery(const struct kubeadm_run *run, struct text *ret);
