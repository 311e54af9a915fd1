/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the election: asks Proxmox VE for the other guests, writes claims, waits. election.c decides. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/kubeadm_pki.h"
#include "lib/certificate.h"
#include "lib/clock.h"
#include "lib/log.h"

#define POLL_SECONDS 10 /* every request occupies one of the PVE node's three workers */
#define SILENCE_MAX 3   /* unanswered reads from an API that a join does not need */
#define CLAIM_INIT "init"
#define CLAIM_JOIN "join"

static struct election_trust trust_of(const struct agent *a)
{
	return (struct election_trust){ .cluster = a->node.cluster,
					.has_ca = kubeadm_pki_given(&a->node),
					.needs_proof = *a->pve.proof_key };
}

static const struct candidate *find_published(const struct agent *a, const struct candidates *all)
{
	const struct election_trust trust = trust_of(a);

	return election_find(all, &trust, &a->tried);
}

/* Kubernetes has one Node for each name. Notes prove no name, so this is no reason to fail: kubeadm refuses the
 * name of a node that is in the cluster. */
static void check_name(struct agent *a, const struct candidates *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct candidate *other = &all->at[i];
		if (other->vmid == a->pve.guest.vmid || other->vmid == a->namesake || !other->running ||
		    !text_same(other->member.node, agent_name(a)))
			continue;
		log_warning("the notes of guest %ld say that it is the node %s of cluster %s; if that is so, give this "
			    "one another host name",
			    other->vmid, agent_name(a), a->node.cluster);
		a->namesake = other->vmid;
		return;
	}
}

/* Reads the other guests once. 0 = done; 1 = PVE does not answer at the moment, and the state says why; -1
 * = another try cannot help. */
static int look(struct agent *a, struct candidates *ret, struct error *err)
{
	struct error why = { 0 };

	if (pve_registration_find(&a->pve, &a->node, &a->machine, &why) == 0 &&
	    pve_registration_nodes(&a->pve, a->node.cluster, ret, &why) == 0) {
		state_set_text(&a->state.error, NULL);
		check_name(a, ret);
		return 0;
	}
	if (a->pve.refused) {
		*err = why;
		return -1;
	}
	if (!text_same(a->state.error, why.text))
		log_warning("%s", why.text);
	state_set_text(&a->state.error, why.text);
	return 1;
}

/* Writes the claim (NULL: none) into our notes. 0 = PVE has stored it; 1 = PVE does not answer at the moment. */
static int show_claim(struct agent *a, const char *claim, struct error *err)
{
	struct error why = { 0 };

	state_set_text(&a->state.claim, claim);
	if (agent_announce_now(a, &why) == 0)
		return 0;
	if (a->pve.refused) {
		*err = why;
		return -1;
	}
	state_set_text(&a->state.error, why.text);
	return 1;
}

static int wait_for_other(struct agent *a, enum election_move move, const struct candidate *other, struct error *err)
{
	return agent_wait_for(a, err,
			      other->unread               ? "the notes of guest %ld (%s), which cannot be read now"
			      : move == ELECTION_BACK_OFF ? "guest %ld (%s), which goes first"
							  : "guest %ld (%s) to back off or finish",
			      other->vmid, other->member.node ? other->member.node : "its name is not known");
}

/* One round; *ret is its outcome. A claim is written before the second look, never after it. 1 = PVE cannot
 * answer at the moment. */
static int claim_round(struct agent *a, const char *claim, enum election_move *ret, struct candidates *all,
		       struct error *err)
{
	const struct election_trust trust = trust_of(a);
	const struct candidate *other;
	int rc = look(a, all, err);

	if (rc != 0)
		return rc;
	*ret = election_decide(all, a->pve.guest.vmid, &trust, claim, &other);
	if (*ret == ELECTION_CANDIDACY) {
		candidates_done(all);
		if ((rc = show_claim(a, claim, err)) != 0 || (rc = look(a, all, err)) != 0)
			return rc;
		*ret = election_decide(all, a->pve.guest.vmid, &trust, claim, &other);
	}
	if (!other || *ret == ELECTION_FOLLOW)
		return 0;
	if (*ret == ELECTION_BACK_OFF && (rc = show_claim(a, NULL, err)) != 0)
		return rc;
	return wait_for_other(a, *ret, other, err);
}

/* Repeats rounds until this node may act or has a cluster to follow, or until PVE has not answered
 * silence_max times in a row. *all is the last look. */
static int claim_until_clear(struct agent *a, const char *claim, int silence_max, enum election_move *ret,
			     struct candidates *all, struct error *err)
{
	double until = clock_seconds() + (double)a->node.timeout_rendezvous;

	for (int silence = 0; silence < silence_max; silence++) {
		*ret = ELECTION_WAIT;
		int rc = claim_round(a, claim, ret, all, err);
		if (rc < 0)
			return -1;
		if (rc == 0 && (*ret == ELECTION_ACT || *ret == ELECTION_FOLLOW))
			return 0;
		candidates_done(all);
		if (rc == 0)
			silence = 0;
		if ((rc == 1 && agent_wait_for(a, err, "Proxmox VE") < 0) || agent_nap(a, POLL_SECONDS, until, err) < 0)
			return -1;
	}
	log_warning("Proxmox VE does not answer; joining without waiting for other control planes");
	return 0;
}

static int adopt(struct agent *a, const struct candidate *found, struct error *err)
{
	log_info("cluster %s is at %s, according to guest %ld", a->node.cluster, found->member.endpoint, found->vmid);
	if (!a->node.endpoint)
		state_set_text(&a->state.endpoint, found->member.endpoint);
	if (!a->node.ca_cert_hashes.n && !kubeadm_pki_given(&a->node)) {
		strings_done(&a->state.ca);
		strings_append(&a->state.ca, &found->member.ca);
	}
	a->followed = found->vmid;
	return agent_save(a, err);
}

int election_try_next(struct agent *a, size_t *ret_tries, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };
	int rc;

	vec_push(&a->tried, a->followed);
	*ret_tries = election_tries(&a->tried, a->followed);
	if ((rc = look(a, &all, err)) != 0)
		return rc < 0 ? -1 : 0;
	const struct candidate *next = find_published(a, &all);
	if (!next)
		return 0;
	*ret_tries = election_tries(&a->tried, next->vmid);
	return adopt(a, next, err);
}

static int lead(struct agent *a, struct error *err)
{
	a->state.leader = true;
	return agent_save(a, err);
}

/* Another guest made the cluster that this one was going to make, so this one joins as a further control
 * plane. */
static int follow(struct agent *a, const struct candidate *found, struct error *err)
{
	state_set_text(&a->state.claim, NULL);
	if (!kubeadm_pki_given(&a->node) && (!a->node.token || !a->node.certificate_key))
		return error_set(err, ERROR_INPUT,
				 "role init (%s): guest %ld has initialised cluster %s already, and to join it as a "
				 "control plane "
				 "this node lacks a %s; add it, or remove the node",
				 node_config_origin(&a->node, "role"), found->vmid, a->node.cluster,
				 a->node.token ? "certificate_key" : "token");
	return adopt(a, found, err);
}

static int meet_to_init(struct agent *a, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };
	enum election_move move;

	/* Without an API the configuration decides; an earlier decision may have been acted on already. */
	if (!a->pve.pve || a->state.leader)
		return lead(a, err);
	if (claim_until_clear(a, CLAIM_INIT, INT_MAX, &move, &all, err) < 0)
		return -1;
	if (move == ELECTION_ACT)
		return lead(a, err);
	return follow(a, find_published(a, &all), err);
}

static int meet_to_join(struct agent *a, struct error *err)
{
	double until = clock_seconds() + (double)a->node.timeout_rendezvous;

	for (;;) {
		CLEANUP(candidates_done) struct candidates all = { 0 };
		int rc = look(a, &all, err);
		if (rc < 0)
			return -1;
		const struct candidate *found = rc == 0 ? find_published(a, &all) : NULL;
		if (found)
			return adopt(a, found, err);
		if (agent_wait_for(a, err, rc ? "Proxmox VE" : "the control plane of cluster %s", a->node.cluster) <
			    0 ||
		    agent_nap(a, POLL_SECONDS, until, err) < 0)
			return -1;
	}
}

/* The hash of the CA that came with the seed, for the state. */
static int know_ca(struct agent *a, struct error *err)
{
	const char *ca = a->node.pki.ca;
	char hex[SHA256_HEX];

	if (certificate_spki_sha256("pki.ca", ca, strlen(ca), hex, err) < 0)
		return -1;
	strings_done(&a->state.ca);
	strings_addf(&a->state.ca, "sha256:%s", hex);
	return 0;
}

int step_election(struct agent *a, struct error *err)
{
	if (kubeadm_pki_given(&a->node) && know_ca(a, err) < 0)
		return -1;
	if (a->node.endpoint)
		state_set_text(&a->state.endpoint, a->node.endpoint);
	if (a->node.ca_cert_hashes.n) {
		strings_done(&a->state.ca);
		strings_append(&a->state.ca, &a->node.ca_cert_hashes);
	}
	if (a->node.role == NODE_INIT)
		return meet_to_init(a, err);
	if (!a->state.endpoint || !a->state.ca.n)
		return meet_to_join(a, err);
	return agent_save(a, err);
}

/* etcd accepts one new member at a time. Without the API, or when the others do not finish in time, kubeadm's own
 * retries have to suffice. */
int step_turn(struct agent *a, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };
	enum election_move move;

	if (agent_inits(a) || a->node.role == NODE_WORKER || !a->pve.pve || a->pve.refused)
		return 0;
	if (claim_until_clear(a, CLAIM_JOIN, SILENCE_MAX, &move, &all, err) == 0)
		return 0;
	if (err->class != ERROR_NETWORK)
		return -1;
	log_warning("%s; joining without waiting for other control planes", err->text);
	*err = (struct error){ 0 };
	return 0;
}
