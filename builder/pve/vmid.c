/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/vmid.h"

#include <stdlib.h>
#include <string.h>

#include "lib/pve_guest.h"

#define ASKED_MAX 1000 /* requests for numbers of a target's range */

bool vmid_is_taken(const char *words)
{
	return strstr(words, "already exists") != NULL;
}

static int next_of_datacenter(struct pve *pve, long *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(text_done) struct text word = { 0 };

	if (pve_call(pve, "GET", "/cluster/nextid", NULL, &data, err) < 0)
		return -1;
	json_print(data, false, &word); /* "100", with quotes or without */
	*ret = strtol(word.data + (word.data[0] == '"'), NULL, 10);
	if (*ret >= TARGET_VMID_MIN && *ret <= TARGET_VMID_MAX)
		return 0;
	return error_set(err, ERROR_TARGET, "Proxmox VE names no free VMID");
}

static bool is_seen(const struct pve_guests *guests, long vmid)
{
	for (size_t i = 0; i < guests->n; i++)
		if (guests->at[i].vmid == vmid)
			return true;
	return false;
}

/* 1 = free, 0 = taken. */
static int ask(struct pve *pve, long vmid, struct error *err)
{
	CLEANUP(free_p) char *number = xasprintf("%ld", vmid);

	if (pve_call(pve, "GET", "/cluster/nextid", (const struct pve_param[]){ { "vmid", number }, { NULL, NULL } },
		     NULL, err) == 0)
		return 1;
	return pve_failure(pve) == PVE_REFUSED ? 0 : -1;
}

/* VMIDs of guests that the token sees are skipped without a request. */
static int next_in_range(struct pve *pve, const struct target *t, long *ret, struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };
	int asked = 0;

	if (pve_list_guests(pve, &guests, err) < 0)
		return -1;
	for (long vmid = t->vmid_from; vmid <= t->vmid_to && asked < ASKED_MAX; vmid++) {
		int rc = is_seen(&guests, vmid) ? 0 : (asked++, ask(pve, vmid, err));
		*ret = vmid;
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERROR_TARGET, "no VMID from %ld to %ld is free; widen `vmids` in %s, or remove guests",
			 t->vmid_from, t->vmid_to, t->file);
}

int vmid_pick(struct pve *pve, const struct target *target, long *ret, struct error *err)
{
	return target->vmid_from ? next_in_range(pve, target, ret, err) : next_of_datacenter(pve, ret, err);
}
