/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of a cluster in PVE: its guests, seeds and tokens, identified by their names and notes
 * (deploy_notes.h), and the tasks of this token that still run.
 *
 * Every user can write the notes of a guest of their own. So a guest is ours only when its line is signed with the cluster's
 * key, is about this guest, and the guest is recorded as made by us (seed_secrets.h): the same VMID, and the same machine,
 * as soon as it was seen once. All others are in the state to be reported, and are never changed.
 */
#include "builder/deploy/deploy_notes.h"
#include "builder/pve/target.h"
#include "builder/pve/vmid.h"
#include "builder/seed/seed_secrets.h"
#include "lib/node_record.h"
#include "lib/pve_guest.h"

#define DEPLOY_SLOT 16 /* "scsi30" */

enum deploy_claim {
	DEPLOY_OURS,
	DEPLOY_STRANGER,   /* nothing proves what its notes say */
	DEPLOY_UNRECORDED, /* signed with the cluster's key, but not recorded as made */
	DEPLOY_LOST,       /* made by us, but its line is gone or no longer good */
};

struct deploy_guest {
	long vmid;
	enum pve_kind kind;
	enum deploy_claim claim;
	char *pve_node; /* owned, as all; of PVE */
	char *identity; /* as in the record; NULL = none */
	struct deploy_notes mark;
	struct node_record record; /* written by its agent; empty when the notes are another guest's */
	char *tags, *notes, *disk; /* disk: the boot disk as the configuration has it */
	char seed[DEPLOY_SLOT], cloudinit[DEPLOY_SLOT], free[DEPLOY_SLOT]; /* SCSI slots; "" = none */
	bool running, locked;
};

struct deploy_volume {
	struct deploy_notes mark;
	char *pve_node, *volid; /* owned */
	uint64_t size;
};

struct deploy_token {
	struct deploy_notes mark;
	char *name;     /* owned */
	int64_t expire; /* seconds since 1970; 0 = never */
};

struct deploy_state {
	VEC(struct deploy_guest) guests; /* by VMID */
	VEC(struct deploy_volume) volumes;
	VEC(struct deploy_token) tokens;
	struct strings tasks; /* UPIDs */
	/* Guests that are recorded as made. seen: the token can read their configuration. hidden: they exist, or another guest has their
	 * VMID, but they are not among the guests that the token sees on the target's nodes. */
	struct vmid_list seen, hidden;
};

/* The criteria of a search. All borrowed. */
struct deploy_search {
	const struct target *target;
	const char *cluster;
	const struct strings *names;      /* of nodes: a guest without tags yet is found by its name */
	const struct seed_secret *secret; /* the key of the cluster's notes and the guests that were made */
};

int deploy_state_read(struct pve *pve, const struct deploy_search *search, struct deploy_state *ret, struct error *err)
	MUST_CHECK;
/* Parses one guest's configuration; sets no node or running. False: the guest neither was made by us nor says that it
 * belongs to the cluster. Uses cluster and secret of the search. Pure. */
bool deploy_guest_parse(const struct json *config, enum pve_kind kind, long vmid, const struct deploy_search *search,
			struct deploy_guest *ret);
/* The first guest with this claim; NULL = none. */
const struct deploy_guest *deploy_state_first(const struct deploy_state *s, enum deploy_claim claim);
/* PVE's word for a kind in paths. */
const char *deploy_kind(enum pve_kind kind);
void deploy_guest_done(struct deploy_guest *guest);
void deploy_volume_done(struct deploy_volume *volume);
void deploy_token_done(struct deploy_token *token);
void deploy_state_done(struct deploy_state *state);
