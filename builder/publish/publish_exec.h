/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Executes one step of a plan. A step may be executed twice, also by two publishers at once: the second finds
 * it done.
 */
#include "builder/publish/publish_plan.h"
#include "builder/pve/pve_exec.h"

struct publish_run {
	const struct publish_order *order; /* borrowed */
	struct pve_exec exec;
	struct publish_memory memory; /* owned */
};

int publish_exec(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		 struct error *err) MUST_CHECK;

/* publish_upload.c */
int publish_exec_upload(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
/* publish_remove.c */
int publish_exec_remove(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;
int publish_exec_discard(struct publish_run *run, const struct publish_step *step, struct error *err) MUST_CHECK;

/* The step's phase in the progress report: "upload.pve1". */
void publish_phase(const struct publish_run *run, const char *verb, char *ret, size_t size);
