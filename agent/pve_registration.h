/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * This guest in Proxmox VE: its VMID, its tags and its line in the notes, and the other members of its
 * cluster.
 *
 * The guest is found in this order: proxmox.vmid from the configuration; a token that sees exactly one guest;
 * SMBIOS uuid (VMs only: containers see the host's) or MAC address compared with the configurations of the
 * visible guests.
 *
 * No function here waits for an API that does not answer: that is an immediate error (pve_failure() gives the
 * kind), and the caller tries again. Each try reads first, so a write with unknown outcome is never just
 * repeated.
 */
#include "agent/election.h"
#include "agent/facts.h"
#include "lib/hash.h"
#include "lib/node_record.h"
#include "lib/pve_guest.h"

#define PVE_REGISTRATION_SETTLE 2     /* seconds between the cluster's tag and the first claim: agent/election.h */
#define PVE_REGISTRATION_NOTES_MAX 64 /* guests whose notes are read in one look; each is a request */
#define PVE_REGISTRATION_MARK 9       /* 8 hex digits and a NUL */

struct pve_registration {
	struct pve *pve;        /* owned; NULL = the node has no proxmox section */
	struct pve_guest guest; /* owned; vmid 0 = not found yet */
	bool refused;           /* 401: this token is not tried again */
	bool looked;            /* the token is known to see other guests, from a list or from its permissions */
	double tagged;          /* clock_seconds() since when the cluster's tag is known to be in place; 0 = not yet */
	char mark[PVE_REGISTRATION_MARK]; /* of our last write, if PVE acknowledged it; "" = none, or unknown */
	char proof_key
		[SHA256_HEX]; /* of lines' MACs: agent/election.h; "" = this node is no control plane, or has no PKI */
	char *ca;             /* owned; PEM text to verify the API's certificate with; NULL = none */
};

/* Opens the API without a request. A proxmox.ca that is a path is read below root. */
int pve_registration_open(const char *root, const struct node_config *node, struct pve_registration *ret,
			  struct error *err) MUST_CHECK;
/* Finds the guest that this machine is; no request when it is known already. */
int pve_registration_find(struct pve_registration *r, const struct node_config *node, const struct facts *machine,
			  struct error *err) MUST_CHECK;
/* Puts the member into our tags and notes: reads, edits, writes with the digest, and repeats that when
 * another client wrote in between. Nothing is written when our last acknowledged write had the same content.
 * A guest that has migrated is looked up again. mark and vmid of m are filled in here. */
int pve_registration_write(struct pve_registration *r, const struct node_record *m, struct error *err) MUST_CHECK;
/* Lists all guests with this cluster's tag (ours included), with the notes of those that are not workers:
 * workers neither claim nor publish. Notes that cannot be read now (their PVE node does not answer, or the
 * guest is not one of the first PVE_REGISTRATION_NOTES_MAX) make a candidate that is unread. Notes that the token
 * may not read are an error that names the missing privilege (VM.Audit on the pool). So is a token that sees no
 * other guest because of missing permissions. */
int pve_registration_nodes(struct pve_registration *r, const char *cluster, struct candidates *ret, struct error *err)
	MUST_CHECK;
void pve_registration_close(struct pve_registration *r);
