/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The VMID for a new guest. PVE does not reserve it: creating the guest may fail because another
 * client has taken the VMID meanwhile; the caller then picks another.
 */
#include "builder/pve/target.h"

/* The lowest free one: of the target's range, or else of the datacenter's. */
int vmid_pick(struct pve *pve, const struct target *target, long *ret, struct error *err) MUST_CHECK;
/* True when PVE's message says that the VMID is taken. */
bool vmid_is_taken(const char *words);
