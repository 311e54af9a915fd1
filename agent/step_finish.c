/* SPDX-License-Identifier: Apache-2.0 */
/* After kubeadm: the node becomes Ready, reports it, and removes what it no longer needs. */
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/cni_bridge.h"
#include "agent/finish.h"
#include "agent/kube.h"
#include "agent/pod_routes.h"
#include "agent/private_log.h"
#include "agent/program.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/log.h"

#define POD_ROUTES_SERVICE "nodekiln-routes.service"
#define POLL_SECONDS 3
#define PAUSE_SECONDS 0.2 /* between two looks at the Node */
#define WATCH_SECONDS 30  /* for one watch of the Node */
#define RETRY_SECONDS 1   /* after an API server that does not answer */
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

/* Any control plane may give the right; where it is missing, the service's state says so. */
static void grant_peers(const struct agent *a)
{
	CLEANUP(free_p) char *admin = xasprintf("%s" KUBE_ADMIN_CONF, a->root);
	struct error why = { 0 };

	if (a->node.pod_network == NODE_POD_NETWORK_BRIDGE && access(admin, R_OK) == 0 &&
	    kube_grant_peers(a->root, &why) < 0) {
		log_warning("%s", why.text);
		private_log(a->root, &why);
	}
}

/* The service follows the other nodes; the first routes are made here, so that a Ready node has them. */
static int connect_pods(const struct agent *a, struct error *err)
{
	CLEANUP(strings_done) struct strings enable = { 0 };
	struct error why = { 0 };

	if (a->node.pod_network != NODE_POD_NETWORK_BRIDGE)
		return 1;
	grant_peers(a);
	if (pod_routes_sync(a->root, &why) < 0)
		log_warning("%s; " POD_ROUTES_SERVICE " tries again", why.text);
	strings_add_all(&enable, "systemctl", "enable", "--now", POD_ROUTES_SERVICE, NULL);
	if (program_run(&enable, NULL, NULL, err) < 0)
		return -1;
	return 1;
}

/* 1 = Ready, 0 = not yet. *ret_node is empty when the API server does not answer. */
static int look_at_node(struct agent *a, struct kube_node *ret_node, struct error *err)
{
	struct error why = { 0 };

	if (kube_get_node(a->root, KUBELET_CONF, agent_name(a), ret_node, &why) < 0) {
		state_set_text(&a->state.error, why.text);
		return agent_wait_for(a, err, "the API server to report Node %s", agent_name(a));
	}
	state_set_text(&a->state.error, NULL);
	if (a->node.pod_network == NODE_POD_NETWORK_BRIDGE && ret_node->pod_cidr &&
	    cni_bridge_write(a->root, ret_node->pod_cidr, err) < 0)
		return -1;
	if (ret_node->ready)
		return connect_pods(a, err);
	return agent_wait_for(a, err, "Node %s to be Ready: %s", agent_name(a),
			      ret_node->reason ? ret_node->reason : "kubelet has not reported");
}

/* Until the Node is another than this one. */
static int wait_for_change(struct agent *a, const struct kube_node *node, double until, struct error *err)
{
	double left = until - clock_seconds();
	long seconds = left < 1 ? 1 : left < WATCH_SECONDS ? (long)left : WATCH_SECONDS;
	struct error why = { 0 };
	bool asked = node->reason &&
		     kube_wait_for_change(a->root, KUBELET_CONF, agent_name(a), node->version, seconds, &why) == 0;

	return agent_nap(a, asked ? PAUSE_SECONDS : RETRY_SECONDS, until, err);
}

int step_ready(struct agent *a, struct error *err)
{
	double until = clock_seconds() + (double)a->node.timeout_ready;

	for (;;) {
		CLEANUP(kube_node_done) struct kube_node node = { 0 };
		int ready = look_at_node(a, &node, err);
		if (ready != 0)
			return ready < 0 ? -1 : 0;
		if (wait_for_change(a, &node, until, err) < 0)
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
	if (finish_modes(a->root, err) < 0 || finish_sentinels(a->root, err) < 0)
		return -1;
	return finish_disable(a->root, err);
}
