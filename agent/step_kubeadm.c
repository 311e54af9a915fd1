/* SPDX-License-Identifier: Apache-2.0 */
/* kubeadm: the checks before it, its runs, and the hash of the CA that it made. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/cri.h"
#include "agent/kubeadm.h"
#include "agent/kubeadm_pki.h"
#include "agent/preflight.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/random.h"

#define CHECK_SECONDS 0.5
#define CHECK_TIMEOUT 300 /* seconds, for temporary problems: the clock, a runtime that is starting */
#define BACK_OFF_FIRST 5
#define BACK_OFF_MAX 60
#define NEW_CREDENTIALS_MAX 3 /* times that a member's endpoint and CA hashes are tried again after a refusal */
#define API_PORT 6443
#define TOKEN_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789"

static char *provider_id(const struct agent *a)
{
	const char *region = a->node.region ? a->node.region : a->node.cluster;
	long vmid = a->node.proxmox.vmid ? a->node.proxmox.vmid : a->pve.guest.vmid;

	if (a->node.provider == NODE_PROVIDER_VMID && vmid)
		return xasprintf("proxmox://%s/%ld", region, vmid);
	if (a->node.provider == NODE_PROVIDER_UUID && a->machine.uuid)
		return xasprintf("proxmox://%s", a->machine.uuid);
	return NULL;
}

/* See kubeadm_init.c; of this process. */
static const char *spent_token(void)
{
	static char token[sizeof "123456.1234567890123456"];

	if (!*token) {
		random_word(TOKEN_CHARACTERS, 6, token);
		token[6] = '.';
		random_word(TOKEN_CHARACTERS, 16, token + 7);
	}
	return token;
}

static char *own_endpoint(const struct agent *a)
{
	if (a->node.endpoint)
		return xstrdup(a->node.endpoint);
	return xasprintf(strchr(agent_address(a), ':') ? "[%s]:%d" : "%s:%d", agent_address(a), API_PORT);
}

int agent_kubeadm_run(const struct agent *a, struct kubeadm_run *ret, char **provider, struct error *err)
{
	*ret = (struct kubeadm_run){
		.node = &a->node,
		.machine = &a->machine,
		.init = agent_inits(a),
		.control_plane = a->node.role != NODE_WORKER,
		.name = agent_name(a),
		.address = agent_address(a),
		.endpoint = a->state.endpoint,
		.ca_cert_hashes = &a->state.ca,
		.provider_id = *provider = provider_id(a),
		.spent_token = spent_token(),
		.again = a->state.started,
	};
	if (a->node.provider == NODE_PROVIDER_UUID && !*provider)
		return error_set(err, ERROR_HOST,
				 "node.provider_id (%s): this guest has no SMBIOS uuid of its own; use vmid",
				 node_config_origin(&a->node, "node.provider_id"));
	if (!ret->address)
		return error_set(err, ERROR_HOST,
				 "no address: there is no default route, and node.ip is not given; correct the "
				 "network or give node.ip");
	return 0;
}

/* The most severe finding: -1 = fatal, 1 = a temporary one, 0 = none. */
static int find_worst(const struct findings *found, struct agent *a, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < found->n; i++) {
		const struct finding *f = &found->at[i];
		if (f->kind == FINDING_FATAL)
			return error_set(err, ERROR_HOST, "%s", f->sentence);
		if (f->kind == FINDING_WAIT) {
			state_set_text(&a->state.error, f->sentence);
			rc = 1;
		}
	}
	return rc;
}

static int look_once(struct agent *a, bool first, struct error *err)
{
	CLEANUP(findings_done) struct findings found = { 0 };
	struct error why = { 0 };

	state_set_text(&a->state.error, NULL);
	preflight(&a->node, &a->machine, a->state.started, &found);
	for (size_t i = 0; first && i < found.n; i++)
		if (found.at[i].kind == FINDING_WARNING)
			log_warning("%s", found.at[i].sentence);
	int rc = find_worst(&found, a, err);
	if (rc == 0 && preflight_runtime(a->root, cri_socket(&a->node, &a->machine), &why) < 0) {
		state_set_text(&a->state.error, why.text);
		rc = 1;
	}
	return rc;
}

static int read_machine_again(struct agent *a, struct error *err)
{
	facts_done(&a->machine);
	return facts_read(a->root, &a->machine, err);
}

int step_preflight(struct agent *a, struct error *err)
{
	double until = clock_seconds() + CHECK_TIMEOUT;

	for (bool first = true;; first = false) {
		int rc = look_once(a, first, err);
		if (rc <= 0)
			return rc;
		if (agent_wait_for(a, err, "the machine: %s", a->state.error) < 0 ||
		    agent_nap(a, CHECK_SECONDS, until, err) < 0 || read_machine_again(a, err) < 0)
			return -1;
	}
}

/* Shows the phases in kubeadm's output in the state, for `status`. */
static void show_phase(void *context, const char *name)
{
	struct agent *a = context;
	struct error ignored = { 0 };

	if (agent_wait_for(a, &ignored, "kubeadm %s: %s", agent_inits(a) ? "init" : "join", name) < 0)
		log_warning("%s", ignored.text);
}

/* Runs kubeadm once. The state says so first: even if this process is killed, what kubeadm leaves on the disk
 * counts as this node's. */
static int run_once(struct agent *a, struct kubeadm_error *failure, struct error *err)
{
	CLEANUP(free_p) char *provider = NULL;
	struct kubeadm_run run;

	if (agent_kubeadm_run(a, &run, &provider, err) < 0)
		return -1;
	if (run.again && kubeadm_repair(&run, a->root, err) < 0)
		return -1;
	a->state.started = true;
	if (agent_save(a, err) < 0)
		return -1;
	return kubeadm_execute(&run, a->root, show_phase, a, failure, err);
}

/* Whether endpoint and CA hash came from another node's notes: they may be those of a cluster that no longer
 * exists. */
static bool has_other_credentials(const struct agent *a)
{
	return !agent_inits(a) && a->pve.pve && !a->pve.refused &&
	       !(a->node.endpoint && (a->node.ca_cert_hashes.n || kubeadm_pki_given(&a->node)));
}

/* Whether another try can help, with the endpoint of another member if there is one. *err stays the failure's;
 * *tries: how often that endpoint was tried before. */
static int may_go_on(struct agent *a, const struct kubeadm_error *failure, size_t *tries, struct error *err)
{
	bool refused = failure->class == KUBEADM_ERROR_CREDENTIALS;
	struct error why = { 0 };

	if (failure->class == KUBEADM_ERROR_FATAL || (refused && !has_other_credentials(a)))
		return -1;
	if (!has_other_credentials(a))
		return 0;
	if (election_try_next(a, tries, &why) < 0) {
		*err = why;
		return -1;
	}
	return refused && *tries > NEW_CREDENTIALS_MAX ? -1 : 0;
}

static int try_until(struct agent *a, double until, struct error *err)
{
	double back_off = BACK_OFF_FIRST;

	for (;;) {
		CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { .class = KUBEADM_ERROR_FATAL };
		size_t tries = 1;
		if (run_once(a, &failure, err) == 0 || failure.class == KUBEADM_ERROR_JOINED)
			return 0;
		if (may_go_on(a, &failure, &tries, err) < 0)
			return -1;
		back_off = tries ? back_off : BACK_OFF_FIRST;
		state_set_text(&a->state.error, err->text);
		log_warning("%s; trying again", err->text);
		agent_announce(a);
		if (agent_wait_for(a, err, "the next try of kubeadm") < 0 || agent_nap(a, back_off, until, err) < 0)
			return -1;
		back_off = back_off * 2 < BACK_OFF_MAX ? back_off * 2 : BACK_OFF_MAX;
	}
}

int step_kubeadm(struct agent *a, struct error *err)
{
	struct error why = { 0 }, ignored = { 0 };

	if (try_until(a, clock_seconds() + (double)a->node.timeout_kubeadm, &why) == 0)
		return 0;
	log_info("resetting the node, because kubeadm did not succeed");
	if (kubeadm_reset(&a->node, &a->machine, a->root, &ignored) < 0)
		log_warning("%s", ignored.text);
	else
		a->state.started = false;
	a->state.leader = false;
	error_set(err, why.class,
		  why.class == ERROR_NETWORK ? "%s; the node was reset, and its service starts again"
					     : "%s; the node was reset: correct that and boot again, or run "
					       "`systemctl restart nodekiln-agent`",
		  why.text);
	return error_quote(err, "%s", why.private.text);
}

int step_publish(struct agent *a, struct error *err)
{
	CLEANUP(free_p) char *hash = NULL;
	CLEANUP(free_p) char *endpoint = NULL;

	if (!agent_inits(a))
		return 0;
	if (kubeadm_ca_hash(a->root, &hash, err) < 0)
		return -1;
	endpoint = own_endpoint(a);
	state_set_text(&a->state.endpoint, endpoint);
	strings_done(&a->state.ca);
	strings_add(&a->state.ca, hash);
	state_set_text(&a->state.claim, NULL); /* the published endpoint replaces it */
	return agent_save(a, err);
}
