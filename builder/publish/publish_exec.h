/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Executes one step of a plan. A step may be executed twice, also by two publishers at once: the second finds
 * it done.
 */
#include "builder/publish/publish_plan.h"
#include "builder/pve/pve_retry.h"

struct publish_run {
	const struct publish_order *order; /* borrowed */
	struct pve *pve;                   /* borrowed */
	struct publish_memory memory;      /* owned */
	bool again; /* out, after a failure: reading the state again and publish_planning again may help */
};

int publish_exec(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		 struct error *err) MUST_CHECK;

/* publish_upload.c */
int publish_exec_upload(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
/* publish_remove.c */
int publish_exec_remove(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
int publish_exec_discard(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;

/* Waits for a task (upid: the answer of a call; null = none). A task that failed is ERROR_SPACE or
 * ERROR_TARGET with its exit status, and sets run->again. *ret_exit: that status, owned by the caller; may
 * be NULL. */
int publish_wait(struct publish_run *run, const struct json *upid, const char *what, char **ret_exit, struct error *err)
	MUST_CHECK;
/* The step's phase in the progress report: "upload.pve1". */
void publish_phase(const struct publish_run *run, const char *verb, char *ret, size_t size);
