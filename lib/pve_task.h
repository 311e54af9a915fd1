/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tasks: Proxmox VE answers with a UPID and does the work in the background. The caller polls the status until the task has
 * stopped. A task that failed is not an error here: pve_task_wait() then returns 0.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/pve.h"
#include "lib/text.h"

struct pve_task {
	bool running;
	/* Of a stopped task: PVE_OK, also with warnings, or pve_classify_words() of its exit status. */
	enum pve_failure failure;
	char *exit; /* owned; PVE's exit status, "OK" or a message; NULL while it runs */
};

/* NODE of "UPID:NODE:...", owned by the caller; NULL when it is not a UPID. Pure. */
char *pve_task_node(const char *upid) MUST_CHECK;
/* TYPE of such a UPID, the same. Pure. */
char *pve_task_type(const char *upid) MUST_CHECK;
/* True when token_id started the task "UPID:NODE:PID:START:TIME:TYPE:ID:USER:" and its type is in the NULL-terminated list.
 * Pure. */
bool pve_task_is_own(const char *upid, const char *token_id, const char *const *types);

int pve_task_status(struct pve *pve, const char *upid, struct pve_task *ret, struct error *err) MUST_CHECK;
/* The last lines of its log. */
int pve_task_log(struct pve *pve, const char *upid, struct strings *ret, struct error *err) MUST_CHECK;
/* The lines of its log that are warnings: what PVE counts in "WARNINGS: n", and what it only writes there. */
int pve_task_warnings(struct pve *pve, const char *upid, struct strings *ret, struct error *err) MUST_CHECK;
/* Waits until it has stopped, at most timeout seconds. Polls again after a server was unreachable or busy. */
int pve_task_wait(struct pve *pve, const char *upid, long timeout, struct pve_task *ret, struct error *err) MUST_CHECK;
/* The UPIDs of running tasks, from the data of GET /nodes/NODE/tasks?source=active. Pure. */
void pve_task_parse_list(const struct json *data, struct strings *ret);
void pve_task_done(struct pve_task *task);
