/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs kubeadm. Its configuration is in a file that only root can read (in /run, removed afterwards). Its
 * output goes line by line to stderr, which is the journal, with secrets masked. A failure is classified
 * (kubeadm_error.h).
 */
#include "agent/kubeadm_config.h"
#include "agent/kubeadm_error.h"

#define KUBEADM_CONFIG_FILE "/run/nodekiln/kubeadm.yaml"
#define KUBEADM_CA_FILE "/etc/kubernetes/pki/ca.crt"

/* phase() is called with the name of each phase of kubeadm ("certs", "etcd") that its output shows; may be
 * NULL. Returns 0 (also when the node turns out to have joined before), or -1 with *err and *ret. */
int kubeadm_execute(const struct kubeadm_run *run, const char *root, void (*phase)(void *context, const char *name),
		    void *context, struct kubeadm_error *ret, struct error *err) MUST_CHECK;

/* kubeadm_repair.c: runs before kubeadm is repeated after an interrupted run. kubeadm reuses what it finds
 * in /etc/kubernetes and fails on truncated files, so these are removed together with what depends on
 * them; each removal is logged. Complete files stay. When an unfinished init has lost its CA but still has
 * the etcd data that depend on it, the machine is reset: no other node can have joined yet. */
int kubeadm_repair(const struct kubeadm_run *run, const char *root, struct error *err) MUST_CHECK;

/* kubeadm_reset.c: runs kubeadm reset -f and removes what that leaves behind: containers when there is no
 * crictl, etcd data, and our pod network. */
int kubeadm_reset(const struct node_config *node, const struct facts *machine, const char *root, struct error *err)
	MUST_CHECK;

/* sha256:<hex of the SubjectPublicKeyInfo> of KUBEADM_CA_FILE. */
int kubeadm_ca_hash(const char *root, char **ret, struct error *err) MUST_CHECK;
