/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A number for a new guest. Nothing reserves it: who creates the guest may find it taken, and asks again.
 */
#include "builder/pve/target.h"

/* The lowest that nobody has: in the target's range, or as the datacenter says. */
int vmid_pick(struct pve *pve, const struct target *target, long *ret, struct error *err) MUST_CHECK;
/* PVE's words for one that somebody else took. */
bool vmid_is_taken(const char *words);
