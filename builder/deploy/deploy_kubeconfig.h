/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kubeconfig of a cluster's administrator: NAME.kubeconfig in the directory of the cluster's file, with mode 0600. It is
 * written when it is missing, of another CA, or near the end of its certificate, which is good for a year: users change their file. One
 * that they have not changed follows the cluster's endpoint, with the same certificate. destroy removes it. A cluster whose PKI kubeadm made has its own in /etc/kubernetes/admin.conf.
 */
#include "builder/deploy/deploy_session.h"

/* said: a line with the file's name. Does nothing for a cluster without a PKI of the deployer. */
int deploy_kubeconfig(struct deploy_session *job, const struct deploy_state *state, struct text *said,
		      struct error *err) MUST_CHECK;
/* Removes the file if it is of the cluster's CA. */
int deploy_kubeconfig_remove(struct deploy_session *job, struct error *err) MUST_CHECK;
