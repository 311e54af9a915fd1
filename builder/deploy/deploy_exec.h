/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Does one step of a plan. Each may be done twice: whoever comes second finds it done.
 */
#include "builder/deploy/deploy_plan.h"
#include "lib/hash.h"

/* What this run knows beside what can be seen: the secret of a token that it made. */
struct deploy_secret {
	const struct cluster_node *node; /* borrowed */
	char *token;                     /* owned; SECRET */
};

struct deploy_place {
	enum deploy_action act;
	long vmid;
	const struct cluster_node *node; /* borrowed */
};

struct deploy_watch {
	const struct cluster_node *node; /* borrowed */
	char state[32];                  /* that was told last; "" = none */
	int misses;                      /* looks in a row that failed */
};

struct deploy_run {
	const struct deploy_order *order;    /* borrowed */
	const char *token, *certificate_key; /* borrowed; the cluster's SECRETs */
	struct strings keys;                 /* owned; ssh public keys */
	struct pve *pve;                     /* borrowed */
	VEC(struct deploy_secret) secrets;   /* owned */
	VEC(struct deploy_watch) watches;
	const struct deploy_steps *steps; /* borrowed; those that are being done */
	unsigned pauses;                  /* in a row */
	struct deploy_place last;         /* the step that was begun last */
	bool again;                       /* out, of a failure: worth another look */
};

int deploy_exec(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
void deploy_run_done(struct deploy_run *run);
/* The phase of a report that a step is in: "node.cp1". */
void deploy_phase(const struct deploy_step *step, char *ret, size_t size);

/* For all acts. A call whose failure is judged into run->again; waits for the task that it answers with, when what is not NULL. */
int deploy_call(struct deploy_run *run, const char *method, const char *path, const struct pve_param *params,
		const char *what, struct json **ret, struct error *err) MUST_CHECK;
int deploy_wait(struct deploy_run *run, const struct json *upid, const char *what, struct error *err) MUST_CHECK;
/* The guest's configuration as it is now: ERROR_TARGET and run->again when it is not the cluster's any more. ret_digest may be NULL. */
int deploy_look(struct deploy_run *run, const struct deploy_step *step, struct deploy_guest *ret, char **ret_digest,
		struct error *err) MUST_CHECK;
int deploy_update(struct deploy_run *run, const struct deploy_step *step, const char *digest,
		  const struct pve_param *params, struct error *err) MUST_CHECK;
/* Of the node of Proxmox VE that the step is on. */
const struct target_storages *deploy_storages(const struct deploy_run *run, const struct deploy_step *step);
struct deploy_notes deploy_mark(const struct deploy_run *run, const struct deploy_step *step); /* borrows */
/* "k8s.cluster.lab;...": theirs and ours; owned by the caller. */
char *deploy_tags(const struct deploy_run *run, const struct cluster_node *n, const char *tags) MUST_CHECK;

/* deploy_make.c */
int deploy_exec_clone(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_create(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
/* deploy_template.c: the VMID of what a node is cloned from. */
int deploy_template(struct pve *pve, const struct deploy_order *o, const struct cluster_node *n, const char *host,
		    long *ret, struct error *err) MUST_CHECK;
/* deploy_seed.c */
int deploy_exec_token(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_grant(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_revoke(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_seed(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_discard(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
/* deploy_watch.c */
int deploy_exec_watch(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
