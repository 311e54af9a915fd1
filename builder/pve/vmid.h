/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The VMID for a new guest. PVE does not reserve it: creating the guest may fail because another
 * client has taken the VMID meanwhile; the caller then picks another. It may also fail because a volume of an
 * earlier guest of this number was left behind: PVE itself names the number again and again, so the caller skips it.
 */
#include "builder/pve/target.h"

struct vmid_list {
	long *at; /* owned; vec.h */
	size_t n, max;
};

/* The lowest free one that is not in skip: of the target's range, or else of the datacenter's. */
int vmid_pick(struct pve *pve, const struct target *target, const struct vmid_list *skip, long *ret, struct error *err)
	MUST_CHECK;
bool vmid_list_has(const struct vmid_list *list, long vmid);
/* 1: there is a guest with this VMID, whether the token sees it or not; 0: there is none. */
int vmid_exists(struct pve *pve, long vmid, struct error *err) MUST_CHECK;
/* True when PVE's message says that another guest has the VMID. */
bool vmid_is_taken(const char *words);
/* The volume that PVE's message says is in the way, as storage has it ("local:100/vm-100-cloudinit.qcow2"), owned by the caller; NULL =
 * the message is about something else. */
char *vmid_left_over(const char *words, const char *storage) MUST_CHECK;
/* Adds vmid to skip, and says which volume has to be removed with which command. */
void vmid_skip(struct vmid_list *skip, long vmid, const char *node, const char *volume);
