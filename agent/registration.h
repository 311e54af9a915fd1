/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * This guest at the Proxmox VE API: which VMID it is, its own tags and notes line, and the other members of its cluster.
 *
 * Finding itself, in this order: proxmox.vmid from the configuration; a token that sees exactly one guest; SMBIOS uuid (VMs only:
 * containers see the host's) or MAC address against the configs of the visible guests.
 */
#include "agent/machine.h"
#include "agent/rendezvous.h"
#include "lib/member.h"
#include "lib/pve.h"

struct registration {
	struct pve *pve;        /* owned; NULL = the node has no proxmox section */
	struct pve_guest guest; /* owned; vmid 0 = not found yet */
	bool refused;           /* 401: this token is never tried again */
};

/* Opens the API; no request yet. */
int registration_open(const struct node *node, struct registration *ret, struct error *err) MUST_CHECK;
/* Which guest we are; no request when it is known already. */
int registration_find(struct registration *r, const struct node *node, const struct machine *machine, struct error *err)
	MUST_CHECK;
/* Puts the member into our tags and notes: read, edit, write with digest, again when somebody else was quicker; nothing is
 * written when it stands there already. A guest that migrated is looked up again. */
int registration_write(struct registration *r, const struct member *m, struct error *err) MUST_CHECK;
/* All guests with this cluster's tag (ours too), with their notes. A guest whose notes we may not read is an error that names the
 * missing privilege (VM.Audit on the pool). */
int registration_members(struct registration *r, const char *cluster, struct candidates *ret, struct error *err)
	MUST_CHECK;
void registration_close(struct registration *r);
