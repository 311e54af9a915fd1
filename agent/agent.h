/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One run of the agent: its state, and helpers shared by the steps. A step (a row of run.c's table) does one
 * thing, can be repeated after an interruption, waits and retries by itself, and returns -1 only when the
 * node has to give up.
 */
#include "agent/facts.h"
#include "agent/pve_registration.h"
#include "agent/state.h"
#include "lib/node_config.h"

struct agent {
	const char *root;        /* borrowed; "" in a guest, a fake root in tests */
	char *state_file;        /* owned */
	struct node_config node; /* the configuration */
	struct facts machine;
	struct state state; /* as it is on the disk, or will be with the next agent_save() */
	struct pve_registration pve;
	struct election_tried tried; /* owned; the members whose endpoint this process tried, and did not join by */
	long followed;               /* VMID of the member whose endpoint is tried; 0 = not from a member's notes */
	long namesake;               /* VMID of the guest of this node's name that was warned of last */
	double pve_rest_until; /* clock_seconds(); until then no request is made, because the API did not answer */
};

/* agent.c */
bool agent_inits(const struct agent *a); /* this node makes the cluster, as far as is known */
const char *agent_name(const struct agent *a);
const char *agent_address(const struct agent *a);
int agent_save(struct agent *a, struct error *err) MUST_CHECK;
/* Records in the state and in the journal what the node waits for; does nothing when the state says so
 * already. */
int agent_wait_for(struct agent *a, struct error *err, const char *fmt, ...) PRINTF(3, 4) MUST_CHECK;
/* Sleeps before the next try; -1 when `until` (clock_seconds()) has passed: ERROR_NETWORK, naming what was
 * waited for. */
int agent_nap(struct agent *a, double seconds, double until, struct error *err) MUST_CHECK;
void agent_done(struct agent *a);

/* step_register.c: brings this guest's tags and notes up to date with the state. A failure is logged only. */
void agent_announce(struct agent *a);
/* The same, but a failure is returned: -1 with PVE's error. */
int agent_announce_now(struct agent *a, struct error *err) MUST_CHECK;

/* The steps. */
int step_register(struct agent *a, struct error *err) MUST_CHECK; /* step_register.c */
int step_election(struct agent *a, struct error *err) MUST_CHECK; /* step_election.c */
/* After a failed join: takes the endpoint of the member that was tried least, when it can be read now; *ret_tries:
 * how often that was tried before. */
int election_try_next(struct agent *a, size_t *ret_tries, struct error *err) MUST_CHECK; /* step_election.c */
int step_turn(struct agent *a, struct error *err) MUST_CHECK; /* step_election.c: one control plane joins at a time */
int step_preflight(struct agent *a, struct error *err) MUST_CHECK; /* step_kubeadm.c */
int step_kubeadm(struct agent *a, struct error *err) MUST_CHECK;   /* step_kubeadm.c */
int step_publish(struct agent *a, struct error *err)
	MUST_CHECK; /* step_kubeadm.c: endpoint and CA hash of a new cluster */
int step_manifests(struct agent *a, struct error *err) MUST_CHECK; /* step_finish.c */
int step_ready(struct agent *a, struct error *err) MUST_CHECK;     /* step_finish.c */
int step_report(struct agent *a, struct error *err) MUST_CHECK;    /* step_finish.c */
int step_wipe(struct agent *a, struct error *err) MUST_CHECK;      /* step_finish.c */
int step_leave(struct agent *a, struct error *err) MUST_CHECK; /* step_finish.c: sentinels; the agent disables itself */

/* run.c: takes the node from its configuration to Ready. Returns 0 also when there is nothing to do. */
int agent_run(const char *root, struct error *err) MUST_CHECK;
/* dry_run.c: prints what agent_run() would do to stdout, with secrets hidden; writes nothing. */
int agent_dry_run(const char *root, struct error *err) MUST_CHECK;
/* step_kubeadm.c: the arguments of a kubeadm run at this point. ret borrows *provider, which the caller frees
 * after it. */
struct kubeadm_run;
int agent_kubeadm_run(const struct agent *a, struct kubeadm_run *ret, char **provider, struct error *err) MUST_CHECK;
