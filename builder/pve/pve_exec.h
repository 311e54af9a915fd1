/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by publish and deploy to execute a step of a plan: requests that change something, the tasks that these start, and
 * pauses. No request is repeated here. After a failure, `again` says whether the caller should read the state again and plan
 * again: because PVE was busy or not reachable, or because another client was quicker.
 */
#include "builder/pve/pve_guard.h"
#include "lib/pve_guest.h"

#define PVE_EXEC_STEPS_MAX 10000 /* steps or passes, pauses included, until the run counts as endless */

struct pve_exec {
	struct pve *pve; /* borrowed */
	unsigned pauses; /* in a row */
	bool again;      /* out, after a failure: reading the state again and planning again may help */
	struct pve_guard guard;
	struct strings
		failed; /* "TYPE: EXIT STATUS" of tasks that another try may do; the same a second time is the end */
};

/* Before each step: resets `again`, and `pauses` unless the step is a pause. */
void pve_exec_begin(struct pve_exec *x, bool pause);
/* After a failed request: sets `again` when the same request may succeed later. Returns -1. */
int pve_exec_failed(struct pve_exec *x);
/* The same; a guest that was removed meanwhile sets `again`, too. */
int pve_exec_failed_or_gone(struct pve_exec *x);
/* As pve_call(). what (for messages) not NULL: also waits for the task that the request starts. */
int pve_exec_call(struct pve_exec *x, const char *method, const char *path, const struct pve_param *params,
		  const char *what, struct json **ret, struct error *err) MUST_CHECK;
/* Waits for a task (upid: the answer of a request; null = none). A task that failed is ERROR_SPACE or ERROR_TARGET; the private text
 * is its exit status. *ret_exit: that status, owned by the caller; may be NULL. */
int pve_exec_wait(struct pve_exec *x, const struct json *upid, const char *what, char **ret_exit, struct error *err)
	MUST_CHECK;
/* Waits until a task of an earlier step or run has ended, whatever its result: the state is read again afterwards. */
int pve_exec_wait_earlier(struct pve_exec *x, const char *upid, struct error *err) MUST_CHECK;
/* Waits a second for a guest; ERROR_TARGET after 900 pauses in a row. */
int pve_exec_pause(struct pve_exec *x, const char *node, long vmid, const char *why, struct error *err) MUST_CHECK;
/* True when the exit status says that the worker process died, so its task may be done in part. */
bool pve_exec_worker_died(const char *exit);
/* A guest on a node, borrowed. */
struct pve_guest pve_exec_guest(const char *node, enum pve_kind kind, long vmid);
/* Frees what x owns. */
void pve_exec_done(struct pve_exec *x);
