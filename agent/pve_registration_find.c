/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out which of Proxmox VE's guests this machine is. */
#include "agent/pve_registration_internal.h"

#include <stdlib.h>

void pve_registration_adopt(struct pve_registration *r, struct pve_guests *guests, size_t i)
{
	pve_guest_done(&r->guest);
	r->guest = guests->at[i];
	guests->at[i] = (struct pve_guest){ 0 };
}

int pve_registration_locate(struct pve_registration *r, long vmid, struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	if (pve_list_guests(r->pve, &guests, err) < 0)
		return pve_registration_failed(r);
	for (size_t i = 0; i < guests.n; i++)
		if (guests.at[i].vmid == vmid) {
			pve_registration_adopt(r, &guests, i);
			return 0;
		}
	return error_set(
		err, ERROR_FAILED,
		"the API token does not see guest %ld among the %zu that it sees; correct proxmox.vmid, or give "
		"the token VM.Audit and VM.Config.Options on /vms/%ld",
		vmid, guests.n, vmid);
}

/* A container is not a VM; templates never run. */
static bool may_be(const struct pve_guest *guest, const struct node_config *node, const struct facts *machine)
{
	bool container = text_same(machine->container, "lxc");

	return !guest->template && (guest->kind == PVE_LXC) == container &&
	       (!node->proxmox.node || text_same(node->proxmox.node, guest->node));
}

/* *ret: 1 = it is this machine, 0 = undecided, -1 = it is not. A guest whose configuration cannot be read is
 * not ours. */
static int match(struct pve_registration *r, const struct pve_guest *guest, const struct facts *machine, int *ret,
		 struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;

	if (pve_guest_config(r->pve, guest, &config, err) == 0) {
		*ret = pve_config_matches(config, machine->uuid, &machine->macs);
		return 0;
	}
	*ret = -1;
	pve_registration_failed(r);
	return pve_failure(r->pve) == PVE_FORBIDDEN || pve_failure(r->pve) == PVE_MISSING ? 0 : -1;
}

/* Counts the guests that match; an undecided one counts only when the token sees no other guest. */
static int search(struct pve_registration *r, const struct pve_guests *guests, const struct node_config *node,
		  const struct facts *machine, size_t *ret_found, size_t *ret_matches, struct error *err)
{
	for (size_t i = 0; i < guests->n; i++) {
		int answer = -1;
		if (may_be(&guests->at[i], node, machine) && match(r, &guests->at[i], machine, &answer, err) < 0)
			return -1;
		if (answer < 0 || (answer == 0 && guests->n > 1))
			continue;
		*ret_found = i;
		++*ret_matches;
	}
	return 0;
}

static int not_found(size_t visible, size_t matches, struct error *err)
{
	if (matches > 1)
		return error_set(err, ERROR_FAILED,
				 "%zu guests have a MAC address of this machine; say which it is with proxmox.vmid",
				 matches);
	if (!visible)
		return error_set(err, ERROR_FAILED,
				 "the API token sees no guest; give it VM.Audit on this guest or on its pool");
	return error_set(
		err, ERROR_FAILED,
		"none of the %zu guests that the API token sees has this machine's SMBIOS uuid or a MAC address of "
		"it; say which it is with proxmox.vmid, or give the token VM.Audit on it",
		visible);
}

int pve_registration_find(struct pve_registration *r, const struct node_config *node, const struct facts *machine,
			  struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };
	size_t found = 0, matches = 0;

	if (pve_registration_ready(r, err) < 0)
		return -1;
	if (r->guest.vmid)
		return 0;
	if (node->proxmox.vmid)
		return pve_registration_locate(r, node->proxmox.vmid, err);
	if (pve_list_guests(r->pve, &guests, err) < 0)
		return pve_registration_failed(r);
	if (search(r, &guests, node, machine, &found, &matches, err) < 0)
		return -1;
	if (matches != 1)
		return not_found(guests.n, matches, err);
	pve_registration_adopt(r, &guests, found);
	return 0;
}
