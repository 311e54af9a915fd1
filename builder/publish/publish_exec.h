/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Does one step of a plan. Each may be done twice, and by two at once: whoever comes second finds it done.
 */
#include "builder/publish/publish_plan.h"
#include "builder/pve/pve_retry.h"

struct publish_run {
	const struct publish_order *order; /* borrowed */
	struct pve *pve;                   /* borrowed */
	struct publish_memory memory;      /* owned */
	bool again; /* out, of a failure: what was tried may be tried again, once the node was looked at again */
};

int publish_exec(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		 struct error *err) MUST_CHECK;

/* publish_upload.c */
int publish_exec_upload(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
/* publish_remove.c */
int publish_exec_remove(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
int publish_exec_discard(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;

/* For all of them. Waits for a task (upid: what a call answered; null is fine). A task that failed: ERROR_SPACE or ERROR_TARGET with
 * its words, and run->again. *ret_exit: its words, owned by the caller; may be NULL. */
int publish_wait(struct publish_run *run, const struct json *upid, const char *what, char **ret_exit, struct error *err)
	MUST_CHECK;
/* The phase of a report that a step on this node is: "upload.pve1". */
void publish_phase(const struct publish_run *run, const char *verb, char *ret, size_t size);
