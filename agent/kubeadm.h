/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs kubeadm: its configuration in a file only root can read (in /run, gone afterwards), its output line by line to our stderr,
 * which is the journal, with secrets masked, and a verdict when it fails.
 */
#include "agent/kubeadm_config.h"
#include "agent/verdict.h"

/* phase() is told kubeadm's own phase ("certs", "etcd") as its output shows it. Returns 0, or -1 with *err and *ret. */
int kubeadm_execute(const struct kubeadm_run *run, const char *root, void (*phase)(void *context, const char *name),
		    void *context, struct verdict *ret, struct error *err) MUST_CHECK;
/* Before a run after one that was cut off: removes what would stop it (an empty or short certificate or key, except a CA that was
 * used already; a kubeconfig that does not parse) and says so. */
int kubeadm_mend(const char *root, struct error *err) MUST_CHECK;
/* kubeadm reset -f, and what it leaves behind. */
int kubeadm_reset(const struct machine *machine, const char *root, struct error *err) MUST_CHECK;
/* sha256:<hex of the SubjectPublicKeyInfo> of /etc/kubernetes/pki/ca.crt. */
int kubeadm_ca_hash(const char *root, char **ret, struct error *err) MUST_CHECK;
