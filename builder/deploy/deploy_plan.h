/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The steps that create or remove a cluster, computed from its state (deploy_state.h). Pure. Only missing
 * steps are planned, whether the others were done by this run or by one that was killed.
 *
 * A VM goes through: clone -> grow -> token -> grant -> seed -> attach -> start -> watch -> eject -> discard
 * -> revoke. An attached seed means that all steps before it are done. Until then a token that is found is
 * replaced (PVE shows its secret only once), and the seed with it. A container is created from a tarball that
 * contains its seed: token -> seed -> create -> discard -> grant -> tag -> start -> watch -> revoke.
 *
 * Guests are created before any other step, and then the state is read again: two deployers that do not share
 * the cluster's secrets detect each other there.
 */
#include <time.h>

#include "builder/deploy/cluster.h"
#include "builder/deploy/deploy_state.h"

#define DEPLOY_BLANK 2048 /* bytes; a seed that the token may not delete is overwritten by so many zeros */

enum deploy_action {
	DEPLOY_WAIT_TASK, /* a task of ours that still runs */
	DEPLOY_PAUSE,     /* the guest is locked */
	DEPLOY_CLONE,
	DEPLOY_GROW,
	DEPLOY_TOKEN,
	DEPLOY_GRANT,
	DEPLOY_SEED,
	DEPLOY_ATTACH,
	DEPLOY_CREATE,
	DEPLOY_TAG,
	DEPLOY_START,
	DEPLOY_WATCH,
	DEPLOY_EJECT,
	DEPLOY_DISCARD, /* a volume */
	DEPLOY_REVOKE,  /* a token */
	DEPLOY_STOP,
	DEPLOY_REMOVE,
};

struct deploy_order {
	const struct cluster *cluster;    /* borrowed */
	const struct seed_secret *secret; /* borrowed; the cluster's */
	const struct strings *adopt;      /* borrowed; "NODE=VMID" of guests that become the cluster's; NULL = none */
	char key[DEPLOY_NOTES_KEY + 1];   /* of its notes; "" = not known: no token or volume counts as ours */
	bool full;                        /* clones have disks of their own */
	bool may_discard;                 /* the token may delete volumes */
	time_t now;
};

struct deploy_step {
	enum deploy_action act;
	const struct cluster_node *node; /* borrowed; NULL = not in the cluster's file */
	char *name;                      /* owned; of a node, volume, token or task */
	char *pve_node;                  /* owned; NULL = none */
	long vmid;                       /* 0 = not known yet */
	enum pve_kind kind;
	const char *why; /* static; may be NULL */
};

struct deploy_steps {
	struct deploy_step *at; /* owned */
	size_t n, max;
	size_t first; /* the first steps, which create guests, and after which the state is read again; 0 = none */
};

void deploy_plan(const struct deploy_order *o, const struct deploy_state *s, struct deploy_steps *ret);
void destroy_plan(const struct deploy_order *o, const struct deploy_state *s, struct deploy_steps *ret);
/* The node's guest of ours; of several, the one with the most steps done; NULL = none. */
const struct deploy_guest *deploy_plan_guest(const struct deploy_state *s, const char *node);
bool deploy_guest_ready(const struct deploy_guest *g);
/* "clone debian-12-k8s as VM cp1 on pve1" */
void deploy_step_text(const struct deploy_order *o, const struct deploy_step *step, struct text *ret);
void deploy_steps_done(struct deploy_steps *steps);
