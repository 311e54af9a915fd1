/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The secrets of clusters, by cluster: the PKI (pki.h), or where kubeadm makes the PKI, the bootstrap token and the
 * certificate key. They can be kept in a file, so that nodes that are seeded later belong to the same cluster:
 *
 *	nodekiln_secrets: 2
 *	lab:
 *	  pki: {ca: .., ca_key: .., etcd_ca: .., ...}		# or: token: .., certificate_key: ..
 *	  notes_key: ...
 *	  guests:
 *	    101: {node: cp1, identity: 6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f}
 *	    102: {node: w1, identity: 0d6fb0c3-1f0e-4b8e-8c39-2d1c4a5e6f70, removing: true}
 *
 * notes_key and guests are deploy's: the key that signs the lines in the guests' notes (builder/pve/note.h), and the guests
 * that it has made, by VMID. A guest that is being removed is marked before the request: what is gone when destroy runs again, this file's
 * owner has removed.
 *
 * A file without nodekiln_secrets is of version 1, which had no PKI; it is read, and written as version 2. Its clusters
 * keep their tokens. A later version is refused.
 *
 * The file is readable only by its owner (0600) and locked from open to close, also when it is saved in between, so that
 * two concurrent runs agree.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/node_pki.h"
#include "lib/vec.h"

struct seed_made {
	long vmid;
	char *node;     /* owned; the name of the cluster's node */
	char *identity; /* owned; SMBIOS UUID of a VM, MAC address of a container; NULL = not seen yet */
	bool removing;  /* its removal was begun */
};

struct seed_secret {
	char *cluster, *token, *certificate_key, *notes_key; /* owned; NULL = not known yet */
	struct node_pki pki;                                 /* without certificate and key; empty = kubeadm makes it */
	VEC(struct seed_made) made;
};

struct seed_secrets {
	const char *file;       /* borrowed; NULL = not kept in a file */
	int lock;               /* owned; -1 = none */
	struct seed_secret *at; /* owned */
	size_t n, max;
	bool changed;   /* the file must be written */
	bool generated; /* at least one secret is new, not only copied from a node's file */
	bool created;   /* by seed_secrets_open(), and not written yet */
};

/* Reads the file, which must be a regular one; creates an empty one when it does not exist. file may be NULL. */
int seed_secrets_open(const char *file, struct seed_secrets *ret, struct error *err) MUST_CHECK;
/* The cluster's secrets; empty for a new cluster. Valid until the next call. */
struct seed_secret *seed_secrets_of(struct seed_secrets *secrets, const char *cluster);
/* Whether the cluster's nodes join by a token: it has one, or `kubeadm` asks for it and there is no PKI yet. */
bool seed_secrets_by_token(const struct seed_secret *secret, bool kubeadm);
/* Makes the PKI when it is missing; warns when its CA is near its end. */
int seed_secrets_generate_pki(struct seed_secrets *secrets, struct seed_secret *secret, struct error *err) MUST_CHECK;
/* Generates token and certificate key when they are missing. */
void seed_secrets_generate(struct seed_secrets *secrets, struct seed_secret *secret);
/* The same for the key of notes. */
void seed_secrets_generate_notes_key(struct seed_secrets *secrets, struct seed_secret *secret);
/* The guest that was made with this VMID; NULL = none. */
struct seed_made *seed_secrets_made(const struct seed_secret *secret, long vmid);
/* Records a guest, in place of one that had the VMID. identity may be NULL. */
void seed_secrets_record(struct seed_secrets *secrets, struct seed_secret *secret, long vmid, const char *node,
			 const char *identity);
void seed_secrets_begin_removal(struct seed_secrets *secrets, struct seed_secret *secret, long vmid);
void seed_secrets_unrecord(struct seed_secrets *secrets, struct seed_secret *secret, long vmid);
/* Overwrites and removes all that is known of the cluster. */
void seed_secrets_forget(struct seed_secrets *secrets, struct seed_secret *secret);
/* Whether nothing is known of any cluster: the file has only its head. */
bool seed_secrets_are_empty(const struct seed_secrets *secrets);
/* Writes the file if something changed. The lock is kept. */
int seed_secrets_save(struct seed_secrets *secrets, struct error *err) MUST_CHECK;
/* Overwrites the secrets in memory, then frees; unlocks; removes a file that was created here and is still empty. */
void seed_secrets_close(struct seed_secrets *secrets);
