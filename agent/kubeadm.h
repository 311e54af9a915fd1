/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs kubeadm: its configuration in a file only root can read (in /run, gone afterwards), its output line by line to our stderr,
 * which is the journal, with secrets masked, and a verdict when it fails.
 */
#include "agent/kubeadm_config.h"
#include "agent/kubeadm_error.h"

#define KUBEADM_CONFIG_FILE "/run/nodekiln/kubeadm.yaml"
#define KUBEADM_CA_FILE "/etc/kubernetes/pki/ca.crt"

/* phase() is told kubeadm's own phase ("certs", "etcd") as its output shows it; NULL = nobody wants to know. Returns 0 (also when
 * the node turns out to have joined before), or -1 with *err and *ret. */
int kubeadm_execute(const struct kubeadm_run *run, const char *root, void (*phase)(void *context, const char *name),
		    void *context, struct kubeadm_error *ret, struct error *err) MUST_CHECK;

/* kubeadm_repair.c: before a run after one that was cut off. kubeadm takes what it finds in /etc/kubernetes for its own and gives up
 * on what is cut off, so that goes, and what belongs to it: each removal is a line in the log. Whole files stay. When an unfinished
 * init has lost its CA but has etcd data that was made with it, the machine is reset: nobody can have joined it yet. */
int kubeadm_repair(const struct kubeadm_run *run, const char *root, struct error *err) MUST_CHECK;

/* kubeadm_reset.c: kubeadm reset -f, and what it leaves behind: containers when there is no crictl, our pod network. */
int kubeadm_reset(const struct node_config *node, const struct facts *machine, const char *root, struct error *err)
	MUST_CHECK;

/* sha256:<hex of the SubjectPublicKeyInfo> of KUBEADM_CA_FILE. */
int kubeadm_ca_hash(const char *root, char **ret, struct error *err) MUST_CHECK;
