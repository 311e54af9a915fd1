/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by deploy and destroy: the cluster as read from its file, its secrets, a connection, and the loop
 * that reads the state, plans and executes.
 */
#include "builder/deploy/deploy.h"
#include "builder/deploy/deploy_exec.h"
#include "builder/seed/seed_secrets.h"

struct deploy_session {
	const struct deploy_options *options; /* borrowed */
	struct cluster cluster;
	struct seed_secrets secrets;
	char *secrets_file; /* owned */
	struct strings names;
	struct pve *pve; /* owned */
	struct deploy_order order;
	void (*plan)(const struct deploy_order *o, const struct deploy_state *s, struct deploy_steps *ret);
	/* Checks or changes the state before planning. run is NULL in a dry run. */
	int (*check_state)(struct deploy_session *job, struct deploy_run *run, struct deploy_state *s,
			   struct error *err);
	unsigned waits, hidden_looks; /* for check_state */
	size_t blanks;                /* destroy: seeds that were overwritten and stay */
	bool made;                    /* this run made guests */
	bool fresh;                   /* no guest was recorded when it began */
	bool noted;                   /* guests that are not ours were reported */
};

/* Reads the cluster's file and the CA, opens the secrets and waits for a process that has locked them. */
int deploy_session_open(struct deploy_session *job, const struct deploy_options *options, struct error *err) MUST_CHECK;
/* The cluster's secrets. */
struct seed_secret *deploy_session_secret(struct deploy_session *job);
/* Says once which guests say that they belong to the cluster, although they are not ours. */
void deploy_session_report(struct deploy_session *job, const struct deploy_state *s);
/* Reads the state, and records the identity of guests that are seen for the first time. */
int deploy_session_look(struct deploy_session *job, struct deploy_state *ret, struct error *err) MUST_CHECK;
/* Repeats the loop until nothing is left to do. */
int deploy_session_work(struct deploy_session *job, struct deploy_run *run, struct error *err) MUST_CHECK;
/* Prints the plan. */
int deploy_session_print_plan(struct deploy_session *job, struct text *said, struct error *err) MUST_CHECK;
void deploy_session_done(struct deploy_session *job);
