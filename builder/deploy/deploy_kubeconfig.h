/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kubeconfig of a cluster's administrator: NAME.kubeconfig in the directory of the cluster's file, with mode 0600. Each deploy writes
 * it again, with a certificate that is good for a year. A cluster whose PKI kubeadm made has its own in /etc/kubernetes/admin.conf.
 */
#include "builder/deploy/deploy_session.h"

/* said: a line with the file's name. Does nothing for a cluster without a PKI of the deployer. */
int deploy_kubeconfig(struct deploy_session *job, const struct deploy_state *state, struct text *said,
		      struct error *err) MUST_CHECK;
