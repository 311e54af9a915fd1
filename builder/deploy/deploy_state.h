/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of a cluster in PVE: its guests, seeds and tokens, identified by their names and notes
 * (deploy_notes.h), and the tasks of this token that still run.
 */
#include "builder/deploy/deploy_notes.h"
#include "builder/pve/target.h"
#include "lib/node_record.h"
#include "lib/pve_guest.h"

#define DEPLOY_SLOT 16 /* "scsi30" */

struct deploy_guest {
	long vmid;
	enum pve_kind kind;
	char *pve_node; /* owned, as all; of PVE */
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
};

/* The criteria of a search. All borrowed. */
struct deploy_search {
	const struct target *target;
	const char *cluster;
	const struct strings *names; /* of nodes: a guest without tags yet is found by its name */
};

int deploy_state_read(struct pve *pve, const struct deploy_search *search, struct deploy_state *ret, struct error *err)
	MUST_CHECK;
/* Parses one guest's configuration; sets no kind, node or running. False: the guest does not belong
 * to the cluster. Pure. */
bool deploy_guest_parse(const struct json *config, long vmid, const char *cluster, struct deploy_guest *ret);
/* PVE's word for a kind in paths. */
const char *deploy_kind(enum pve_kind kind);
void deploy_guest_done(struct deploy_guest *guest);
void deploy_volume_done(struct deploy_volume *volume);
void deploy_token_done(struct deploy_token *token);
void deploy_state_done(struct deploy_state *state);
