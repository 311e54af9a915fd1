/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GET requests that are repeated: they change nothing, so a request that met a busy or restarting server
 * is sent again, up to four times in all. Any other request is never repeated before its caller has read
 * the state back.
 */
#include "lib/pve_guest.h"

/* As pve_call() with GET. */
int pve_get_retry(struct pve *pve, const char *path, const struct pve_param *params, struct json **ret,
		  struct error *err) MUST_CHECK;
int pve_get_config_retry(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err)
	MUST_CHECK;
/* *ret: UPIDs of the node's running tasks that token_id started and that are of a type in the NULL-ended list. */
int pve_get_tasks_retry(struct pve *pve, const char *node, const char *token_id, const char *const *types,
			struct strings *ret, struct error *err) MUST_CHECK;
/* True when the failed call means that the guest does not exist: a token with rights on its pool only
 * gets 403 for it. */
bool pve_is_gone(enum pve_failure failure);
/* True when the same call may succeed later. */
bool pve_may_pass(enum pve_failure failure);
