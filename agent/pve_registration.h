/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * This guest at the Proxmox VE API: which VMID it is, its own tags and notes line, and the other members of its cluster.
 *
 * Finding itself, in this order: proxmox.vmid from the configuration; a token that sees exactly one guest; SMBIOS uuid (VMs only:
 * containers see the host's) or MAC address against the configs of the visible guests.
 *
 * Nothing here waits for an API that does not answer: that is an error at once (pve_failure() says which), and the caller's to
 * try again. Each try reads first, so a write of which nobody knows whether it was carried out is never just repeated.
 */
#include "agent/election.h"
#include "agent/facts.h"
#include "lib/node_record.h"
#include "lib/pve_guest.h"

#define PVE_REGISTRATION_SETTLE 2 /* seconds between the cluster's tag and the first claim: agent/election.h */
#define PVE_REGISTRATION_MARK 9   /* 8 hex digits and a NUL */

struct pve_registration {
	struct pve *pve;        /* owned; NULL = the node has no proxmox section */
	struct pve_guest guest; /* owned; vmid 0 = not found yet */
	bool refused;           /* 401: this token is never tried again */
	bool looked;            /* the token was seen to reach other guests, or was asked whether it may */
	double tagged;          /* clock_seconds() since when the cluster's tag stands for sure; 0 = not yet */
	char mark[PVE_REGISTRATION_MARK]; /* of our last write, when PVE acknowledged it; "" = none, or nobody knows */
	char *ca;                         /* owned; PEM text that the API's certificate is checked with; NULL = none */
};

/* Opens the API; no request yet. A proxmox.ca that is a path is read below root. */
int pve_registration_open(const char *root, const struct node_config *node, struct pve_registration *ret,
			  struct error *err) MUST_CHECK;
/* Which guest we are; no request when it is known already. */
int pve_registration_find(struct pve_registration *r, const struct node_config *node, const struct facts *machine,
			  struct error *err) MUST_CHECK;
/* Puts the member into our tags and notes: read, edit, write with digest, again when somebody else was quicker; nothing is
 * written when it is known to stand there. A guest that migrated is looked up again. mark and vmid of m are filled in here. */
int pve_registration_write(struct pve_registration *r, const struct node_record *m, struct error *err) MUST_CHECK;
/* All guests with this cluster's tag (ours too), with the notes of those that are no workers: workers neither claim nor publish.
 * Notes that we may not read are an error that names the missing privilege (VM.Audit on the pool); so is a token that sees nobody
 * because it may not. */
int pve_registration_nodes(struct pve_registration *r, const char *cluster, struct candidates *ret, struct error *err)
	MUST_CHECK;
void pve_registration_close(struct pve_registration *r);
