/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ends a run that makes no progress. publish and deploy read the state, plan, and carry out steps until the plan is empty;
 * the guard counts each step by its words:
 *
 *	carried out, and planned again	nothing shows what the step did: after a nap it is carried out again, PVE_GUARD_DONE times in all
 *	failed				PVE_GUARD_FAILED times in the whole run, with longer and longer naps
 *
 * A failure resets the first count, because a plan may repeat what comes before the failed step. So each run ends.
 */
#include "lib/error.h"
#include "lib/macro.h"
#include "lib/vec.h"

#define PVE_GUARD_DONE 4
#define PVE_GUARD_FAILED 8 /* about two minutes with its naps */

struct pve_guard_row {
	char *step; /* owned */
	unsigned done, failed;
};

struct pve_guard {
	VEC(struct pve_guard_row) rows;
	size_t at;      /* 1 + index of the step that was begun last; 0 = the state is being read */
	unsigned reads; /* of the state, failed in a row */
};

/* Before the state is read. */
void pve_guard_look(struct pve_guard *g);
/* Before a step. ERROR_TARGET when it was carried out too often. */
int pve_guard_begin(struct pve_guard *g, const char *step, struct error *err) MUST_CHECK;
/* After a step that succeeded. */
void pve_guard_done(struct pve_guard *g);
/* After a failure of the step, or of reading the state: sleeps. False: it failed too often. */
bool pve_guard_again(struct pve_guard *g) MUST_CHECK;
void pve_guard_free(struct pve_guard *g);
