/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_retry.h"

#include "lib/clock.h"

#define TRIES 4
#define NAP_FIRST 0.5 /* seconds; doubles */

bool pve_may_pass(enum pve_failure failure)
{
	return failure == PVE_UNREACHABLE || failure == PVE_BUSY || failure == PVE_CONFLICT;
}

bool pve_is_gone(enum pve_failure failure)
{
	return failure == PVE_MISSING || failure == PVE_FORBIDDEN;
}

/* Waits after a failed try; false: there is no other. */
static bool patience(struct pve *pve, int *try)
{
	if (++*try > TRIES || !pve_may_pass(pve_failure(pve)))
		return false;
	clock_nap(NAP_FIRST * (double)(1 << (*try - 2)));
	return true;
}

int pve_get_retry(struct pve *pve, const char *path, const struct pve_param *params, struct json **ret,
		  struct error *err)
{
	int try = 1;

	while (pve_call(pve, "GET", path, params, ret, err) < 0)
		if (!patience(pve, &try))
			return -1;
	return 0;
}

int pve_get_config_retry(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err)
{
	int try = 1;

	while (pve_guest_config(pve, guest, ret, err) < 0)
		if (!patience(pve, &try))
			return -1;
	return 0;
}
