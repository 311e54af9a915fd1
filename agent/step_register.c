/* SPDX-License-Identifier: Apache-2.0 */
/* This guest's tags and notes at Proxmox VE. People and the other nodes read them; this node
 * continues when they cannot be written. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/kubeadm_pki.h"
#include "agent/private_log.h"
#include "lib/clock.h"
#include "lib/log.h"

#define PVE_REST 60 /* seconds without a request after the API did not answer */
#define FIND_POLL 5

static enum node_record_state node_record_state_of(const char *phase)
{
	for (int i = NODE_RECORD_UNKNOWN; i <= NODE_RECORD_FAILED; i++)
		if (text_same(node_record_state_name((enum node_record_state)i), phase))
			return (enum node_record_state)i;
	return NODE_RECORD_UNKNOWN;
}

/* Borrows everything: not for node_record_done(). */
static struct node_record node_record_of(const struct agent *a)
{
	bool cluster_is_ours = agent_inits(a) && a->state.endpoint;

	return (struct node_record){
		.cluster = a->node.cluster,
		.role = (int)a->node.role,
		.state = node_record_state_of(a->state.phase),
		.since = a->state.since,
		.node = (char *)agent_name(a),
		.version = a->machine.kubeadm_version,
		.endpoint = cluster_is_ours ? a->state.endpoint : NULL,
		/* Every node of a cluster with a PKI from the seed has the CA itself. */
		.ca = cluster_is_ours && !kubeadm_pki_given(&a->node) ? a->state.ca : (struct strings){ 0 },
		.claim = a->state.claim,
		.error = a->state.error,
	};
}

int agent_announce_now(struct agent *a, struct error *err)
{
	struct node_record member = node_record_of(a);

	if (pve_registration_find(&a->pve, &a->node, &a->machine, err) < 0 ||
	    pve_registration_write(&a->pve, &member, err) < 0) {
		a->pve_rest_until = clock_seconds() + PVE_REST;
		private_log(a->root, err);
		return error_wrap(err, "register at %s", a->node.proxmox.url);
	}
	a->pve_rest_until = 0;
	return 0;
}

void agent_announce(struct agent *a)
{
	struct error err = { 0 };

	if (!a->pve.pve || a->pve.refused || clock_seconds() < a->pve_rest_until)
		return;
	if (agent_announce_now(a, &err) < 0)
		log_warning("%s; continuing without it", err.text);
}

/* The provider id cannot change once the Node exists, so a VMID that goes into it must be known before. */
int step_register(struct agent *a, struct error *err)
{
	double until = clock_seconds() + (double)a->node.timeout_rendezvous;

	agent_announce(a);
	if (a->node.provider != NODE_PROVIDER_VMID || a->node.proxmox.vmid || a->pve.guest.vmid)
		return 0;
	for (;;) {
		struct error why = { 0 };
		if (pve_registration_find(&a->pve, &a->node, &a->machine, &why) == 0)
			return 0;
		if (a->pve.refused) {
			*err = why;
			return error_wrap(err, "node.provider_id: vmid");
		}
		state_set_text(&a->state.error, why.text);
		if (agent_wait_for(a, err, "Proxmox VE to report this guest's VMID") < 0 ||
		    agent_nap(a, FIND_POLL, until, err) < 0)
			return -1;
	}
}
