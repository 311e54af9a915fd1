/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tasks: work that Proxmox VE goes on with after it has answered. Its UPID is the receipt; what it ended with is known by
 * asking until it has stopped. A task that failed is an answer, not an error: pve_task_wait() then returns 0.
 */
#include "lib/pve.h"

struct pve_task {
	bool running;
	enum pve_failure failure; /* once it stopped: PVE_OK (warnings too), or what its words mean */
	char *exit;               /* owned; PVE's words; NULL while it runs */
};

/* "UPID:NODE:..." to NODE, owned by the caller; NULL when it is no UPID. Pure. */
char *pve_task_node(const char *upid) MUST_CHECK;
/* "UPID:NODE:PID:START:TIME:TYPE:ID:USER:" was started by token_id and is of a type in the NULL-ended list. Pure. */
bool pve_task_is_own(const char *upid, const char *token_id, const char *const *types);

int pve_task_status(struct pve *pve, const char *upid, struct pve_task *ret, struct error *err) MUST_CHECK;
/* Its last lines. */
int pve_task_log(struct pve *pve, const char *upid, struct strings *ret, struct error *err) MUST_CHECK;
/* Until it has stopped, at most timeout seconds. A server that cannot be reached in between is waited for. */
int pve_task_wait(struct pve *pve, const char *upid, long timeout, struct pve_task *ret, struct error *err) MUST_CHECK;
/* UPIDs of those that run now, from the data of GET /nodes/NODE/tasks?source=active. Pure. */
void pve_task_parse_list(const struct json *data, struct strings *ret);
void pve_task_done(struct pve_task *task);
