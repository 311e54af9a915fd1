/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Questions to Proxmox VE with some patience: a question changes nothing, so one that met a busy or restarting server is asked
 * again. Everything else is never sent twice without looking in between.
 */
#include "lib/pve_guest.h"

/* GET of path, as pve_call(). */
int pve_get_retry(struct pve *pve, const char *path, const struct pve_param *params, struct json **ret,
		  struct error *err) MUST_CHECK;
int pve_get_config_retry(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err)
	MUST_CHECK;
/* Whether a failed call says that the guest has gone: from a pool, with the right to see that it has. */
bool pve_is_gone(enum pve_failure failure);
/* Whether a failed call says that the same may go well later. */
bool pve_may_pass(enum pve_failure failure);
