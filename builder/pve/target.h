/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where images are published and guests created: a Proxmox VE cluster, described by a small YAML file.
 *
 *	url: https://pve1.example:8006            # port 8006 when absent
 *	token_id: nodekiln@pve!ci
 *	token_secret_file: pve-token              # one line, the UUID; or token_secret_env: PVE_TOKEN
 *	ca: pve-root-ca.pem                       # /etc/pve/pve-root-ca.pem; and/or fingerprints: ["AA:BB:.."]; neither: system CAs
 *	nodes: [pve1, {name: pve2, url: https://pve2.example:8006, storages: {disks: local-zfs}}]
 *	storages: {import: local, vztmpl: local, disks: local-lvm, seeds: local}	# seeds: default: as vztmpl
 *	pool: k8s                                 # all guests are made in it
 *	bridge: vmbr0
 *	zone: localnetwork                        # SDN zone of the bridge or VNet
 *	vlan: 20
 *	vmids: {from: 9000, to: 9099}
 *	tags: [golden]
 *	agent_user: nodekiln-agent@pve            # whose tokens deployed guests get
 *	notes_key_file: nodekiln-notes.key        # signs the notes of templates; or notes_key_env: NOTES_KEY
 *
 * File names are relative to the target's file. The token's secret never appears in the file, in argv or in a
 * message.
 */
#include "lib/error.h"
#include "lib/pve.h"
#include "lib/text.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define TARGET_VMID_MIN 100
#define TARGET_VMID_MAX 999999999
#define TARGET_NODES_MAX 64

#define TARGET_AGENT_USER "nodekiln-agent@pve"
#define TARGET_NOTES_KEY_FILE "nodekiln-notes.key" /* next to the target's file; all targets of a directory share it */

#define TARGET_STORAGES 4

struct target_storages {
	union {
		struct {
			char *import, *vztmpl, *disks, *seeds; /* owned; none is NULL */
		};
		char *at[TARGET_STORAGES]; /* the same */
	};
};

struct target_node {
	char *name; /* owned */
	char *url;  /* owned; its own API; NULL = the target's */
	struct target_storages storages;
};

/* All pointers are owned; NULL = not given. */
struct target {
	char *file;
	char *url, *token_id;
	char *token_secret_file, *token_secret_env, *ca_file; /* as written there */
	char *token_secret;                                   /* target_open(); SECRET */
	char *notes_key_file, *notes_key_env;                 /* as written there; both NULL = TARGET_NOTES_KEY_FILE */
	char *notes_key; /* target_open_notes_key(); SECRET; NULL = there is none */
	char *ca;        /* target_open(); PEM text */
	struct strings fingerprints;
	VEC(struct target_node) nodes;
	struct target_storages storages; /* of nodes without their own */
	char *pool, *bridge, *zone, *agent_user;
	long vlan;               /* 0 = none */
	long vmid_from, vmid_to; /* 0 = the datacenter's range */
	struct strings tags;
};

/* Strict: an unknown or missing key, or a value of the wrong form, is ERROR_INPUT with file and line.
 * Pure. */
int target_parse(const char *file, const char *text, size_t len, struct target *ret, struct error *err) MUST_CHECK;
/* The same for a map within another file; marks its keys as taken. */
int target_read(struct yaml *tree, struct target *ret, struct error *err) MUST_CHECK;
int target_load(const char *file, struct target *ret, struct error *err) MUST_CHECK;
/* Reads the CA and the token's secret; removes the latter from the environment. */
int target_open(struct target *target, struct error *err) MUST_CHECK;
/* Reads the key that signs the notes of templates (builder/pve/note.h). A file that does not exist is made, or with make
 * false leaves notes_key NULL. *ret_made: the path of a file that was made, owned by the caller, else NULL. */
int target_open_notes_key(struct target *target, bool make, char **ret_made, struct error *err) MUST_CHECK;
/* "pve/nodekiln-notes.key" or "the environment's NOTES_KEY", for messages; owned by the caller. */
char *target_notes_key_place(const struct target *target) MUST_CHECK;
/* A file name in the target's file is relative to that file; owned by the caller. */
char *target_path_of(const struct target *target, const char *name) MUST_CHECK;
/* Connects to the API of a node; NULL = the target's url. *ret borrows from target and node. */
int target_connect(const struct target *target, const struct target_node *node, struct pve **ret, struct error *err)
	MUST_CHECK;
/* The node's storages, borrowed from target. */
const struct target_storages *target_storages_on(const struct target *target, const char *node);
/* "USER@REALM" of the token, owned by the caller. */
char *target_user(const struct target *target) MUST_CHECK;
/* "/sdn/zones/ZONE/BRIDGE[/VLAN]", owned by the caller: the path where SDN.Use is needed. */
char *target_bridge_path(const struct target *target) MUST_CHECK;
void target_done(struct target *target);
