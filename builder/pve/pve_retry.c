/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_retry.h"

#include "lib/clock.h"
#include "lib/pve_task.h"

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

/* Waits after a failed try. False when no further try is allowed. */
static bool wait_to_retry(struct pve *pve, int *try)
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
		if (!wait_to_retry(pve, &try))
			return -1;
	return 0;
}

int pve_get_config_retry(struct pve *pve, const struct pve_guest *guest, struct json **ret, struct error *err)
{
	int try = 1;

	while (pve_guest_config(pve, guest, ret, err) < 0)
		if (!wait_to_retry(pve, &try))
			return -1;
	return 0;
}

int pve_get_tasks_retry(struct pve *pve, const char *node, const char *token_id, const char *const *types,
			struct strings *ret, struct error *err)
{
	static const struct pve_param active[] = { { "source", "active" }, { NULL, NULL } };
	CLEANUP(strings_done) struct strings upids = { 0 };
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/tasks", node);

	if (pve_get_retry(pve, path, active, &data, err) < 0)
		return -1;
	pve_task_parse_list(data, &upids);
	for (size_t i = 0; i < upids.n; i++)
		if (pve_task_is_own(upids.at[i], token_id, types))
			strings_add(ret, upids.at[i]);
	return 0;
}
