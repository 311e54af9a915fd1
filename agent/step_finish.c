/* SPDX-License-Identifier: Apache-2.0 */
/* After kubeadm: the node becomes Ready, reports it, and removes what it no longer needs. */
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/cni_bridge.h"
#include "agent/finish.h"
#include "agent/kube.h"
#include "agent/pod_routes.h"
#include "agent/program.h"
#include "lib/clock.h"
#include "lib/log.h"

#define POD_ROUTES_TIMER "nodekiln-routes.timer"
#define POLL_SECONDS 3
#define APPLY_TIMEOUT 300
#define PROGRESS_TIMEOUT 300 /* a Ready node does not wait longer for an API that is down */

int step_manifests(struct agent *a, struct error *err)
{
	double until = clock_seconds() + APPLY_TIMEOUT;

	if (!agent_inits(a))
		return 0;
	for (size_t i = 0; i < a->node.manifests.n;) {
		struct error why = { 0 };
		if (kube_apply(a->root, a->node.manifests.at[i], &why) == 0) {
			i++;
			continue;
		}
		state_set_text(&a->state.error, why.text);
		log_warning("%s; trying again", why.text);
		if (agent_wait_for(a, err, "the manifest %s to apply", a->node.manifests.at[i]) < 0 ||
		    agent_nap(a, POLL_SECONDS, until, err) < 0)
			return -1;
	}
	return 0;
}

/* The timer repeats it; the first run is done here, so that it does not wait for the timer. */
static int connect_pods(const struct agent *a, struct error *err)
{
	CLEANUP(strings_done) struct strings enable = { 0 };
	struct error why = { 0 };

	if (a->node.pod_network != NODE_POD_NETWORK_BRIDGE)
		return 1;
	if (pod_routes_sync(a->root, &why) < 0)
		log_warning("%s; " POD_ROUTES_TIMER " tries again", why.text);
	strings_add_all(&enable, "systemctl", "enable", "--now", POD_ROUTES_TIMER, NULL);
	if (program_run(&enable, NULL, NULL, err) < 0)
		return -1;
	return 1;
}

/* 1 = Ready, 0 = not yet. */
static int look_at_node(struct agent *a, struct error *err)
{
	CLEANUP(kube_node_done) struct kube_node node = { 0 };
	struct error why = { 0 };

	if (kube_get_node(a->root, KUBELET_CONF, agent_name(a), &node, &why) < 0) {
		state_set_text(&a->state.error, why.text);
		return agent_wait_for(a, err, "the API server to report Node %s", agent_name(a));
	}
	state_set_text(&a->state.error, NULL);
	if (a->node.pod_network == NODE_POD_NETWORK_BRIDGE && node.pod_cidr &&
	    cni_bridge_write(a->root, node.pod_cidr, err) < 0)
		return -1;
	if (node.ready)
		return connect_pods(a, err);
	return agent_wait_for(a, err, "Node %s to be Ready: %s", agent_name(a),
			      node.reason ? node.reason : "kubelet has not reported");
}

int step_ready(struct agent *a, struct error *err)
{
	double until = clock_seconds() + (double)a->node.timeout_ready;

	for (;;) {
		int ready = look_at_node(a, err);
		if (ready != 0)
			return ready < 0 ? -1 : 0;
		if (agent_nap(a, POLL_SECONDS, until, err) < 0)
			return -1;
	}
}

/* The last request to Proxmox VE, before the API token is wiped. */
int step_report(struct agent *a, struct error *err)
{
	double until = clock_seconds() + PROGRESS_TIMEOUT;

	state_set_text(&a->state.claim, NULL);
	while (a->pve.pve && !a->pve.refused) {
		struct error why = { 0 }, late = { 0 };
		if (agent_announce_now(a, &why) == 0)
			break;
		if (agent_wait_for(a, err, "Proxmox VE, to report this node as ready") < 0)
			return -1;
		if (agent_nap(a, POLL_SECONDS * 2, until, &late) < 0) {
			log_warning("%s; the node is Ready anyway", why.text);
			break;
		}
	}
	return 0;
}

int step_wipe(struct agent *a, struct error *err)
{
	return finish_wipe(a->root, &a->node, err);
}

int step_leave(struct agent *a, struct error *err)
{
	if (finish_sentinels(a->root, err) < 0)
		return -1;
	return finish_disable(a->root, err);
}
