/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Executes one step of a plan. A step may be executed twice: the second finds it done.
 */
#include "builder/deploy/deploy_plan.h"
#include "builder/pve/pve_exec.h"
#include "builder/pve/vmid.h"
#include "lib/hash.h"

/* The secret of a token that this run made: PVE shows it only once. */
struct deploy_secret {
	const struct cluster_node *node; /* borrowed */
	char *token;                     /* owned; SECRET */
};

struct deploy_watch {
	const struct cluster_node *node; /* borrowed */
	char state[32];                  /* that was reported last; "" = none */
	int misses;                      /* failed requests in a row */
};

struct deploy_run {
	const struct deploy_order *order; /* borrowed */
	struct seed_secrets *kept;        /* borrowed; the file of secret, to record guests in */
	struct seed_secret *secret;       /* borrowed */
	struct strings keys;              /* owned; ssh public keys */
	struct pve_exec exec;
	VEC(struct deploy_secret) secrets; /* owned */
	VEC(struct deploy_watch) watches;
	const struct deploy_steps *steps; /* borrowed; those that are being executed */
	struct strings removed;           /* nodes whose guests this run has removed */
	struct vmid_list skipped;         /* VMIDs of which volumes are left */
	struct vmid_list broken;          /* guests whose worker died while it made them */
};

int deploy_exec(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
void deploy_run_done(struct deploy_run *run);
/* The step's phase in the progress report: "node.cp1". */
void deploy_phase(const struct deploy_step *step, char *ret, size_t size);

/* As pve_exec_call() and pve_exec_wait(); run->exec.again is also set when the guest has been removed, or its VMID
 * taken, meanwhile. */
int deploy_call(struct deploy_run *run, const char *method, const char *path, const struct pve_param *params,
		const char *what, struct json **ret, struct error *err) MUST_CHECK;
int deploy_wait(struct deploy_run *run, const struct json *upid, const char *what, struct error *err) MUST_CHECK;
/* Reads the guest's configuration: ERROR_TARGET and run->exec.again when the guest no longer
 * belongs to the cluster. ret_digest may be NULL. */
int deploy_look(struct deploy_run *run, const struct deploy_step *step, struct deploy_guest *ret, char **ret_digest,
		struct error *err) MUST_CHECK;
int deploy_update(struct deploy_run *run, const struct deploy_step *step, const char *digest,
		  const struct pve_param *params, struct error *err) MUST_CHECK;
/* The storages of the step's PVE node. */
const struct target_storages *deploy_storages(const struct deploy_run *run, const struct deploy_step *step);
struct deploy_notes deploy_mark(const struct deploy_run *run, const struct deploy_step *step); /* borrows */
/* "k8s.cluster.lab;...": the guest's tags and ours; owned by the caller. */
char *deploy_tags(const struct deploy_run *run, const struct cluster_node *n, const char *tags) MUST_CHECK;

/* Writes into the file of secrets that a guest was made, before PVE is asked to make it; or that it was removed. */
int deploy_record(struct deploy_run *run, long vmid, const char *node, struct error *err) MUST_CHECK;
int deploy_unrecord(struct deploy_run *run, long vmid, struct error *err) MUST_CHECK;

/* deploy_make.c */
int deploy_exec_clone(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_create(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
/* deploy_seed.c */
int deploy_exec_token(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_grant(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_revoke(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_seed(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
int deploy_exec_discard(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
/* deploy_watch.c */
int deploy_exec_watch(struct deploy_run *run, const struct deploy_step *step, struct error *err) MUST_CHECK;
