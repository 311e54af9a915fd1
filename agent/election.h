/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Decides which node acts first, without a lock service: each node writes only its own notes and reads the
 * other nodes'. A claim in the notes is a candidacy. The move depends on all OTHER guests of the cluster:
 *
 *	a guest has published an endpoint (claim "init")	-> FOLLOW: there is a cluster; drop the claim and join it
 *								   (endpoint and CA hashes; an endpoint alone says nothing)
 *	a guest with a lower VMID claims			-> BACK_OFF: make sure that we claim nothing, look again later
 *	only guests with higher VMIDs claim			-> WAIT: they see our claim and back off, or acted before it was written
 *	a guest's notes cannot be read (claim "init")		-> WAIT: it may claim, or have made the cluster
 *	no guest claims, and our claim is not written		-> CANDIDACY: write it, and look again
 *	no guest claims, and ours is written			-> ACT
 *
 * Why two nodes never act: each wrote its claim before the look that let it act. If neither had seen the
 * other's claim, each would have looked before the other wrote, which is impossible. Why one node acts: of
 * those that claim at the same time, the one with the lowest VMID never backs off, and a node that sees a
 * claim writes none.
 * tests/unit/test_election_model.c checks every interleaving of up to four nodes' steps.
 *
 * Three rules make this hold on a real API:
 * - Every write has a new mark, so that a digest never repeats. A PUT with unknown outcome (no answer, a
 *   crash) may still be carried out later; after the next write with a new mark it fails. So "ours is
 *   written" means: it is in the last write that PVE acknowledged to THIS process. A new process therefore
 *   writes again even when the notes seem to hold the claim already.
 * - A decision is synced to disk before the node acts on it. A node that was interrupted while it acted
 *   continues without a new election. Its claim stays until the endpoint is published (in one write), until
 *   the node has joined, or until it has been reset.
 * - The list of guests may lag behind by a moment, their notes do not. So the cluster's tag is in place
 *   PVE_REGISTRATION_SETTLE seconds before the first claim, and every claiming node is in every other node's
 *   list.
 *
 * A guest that claims and never comes back blocks the others until the guest, or the line in its notes, is
 * deleted: other nodes cannot know whether it has created half a cluster.
 *
 * Every user who may write a guest's notes can write such a line. So each line may say anything, and none is a
 * reason to fail: a name that is ours, a half record, the line of another cluster. A node that joins tries the
 * published endpoints one after the other, those that it has tried least first.
 *
 * When the deployer made the cluster's PKI, control planes have a key that no other guest has: the one of their
 * lines' MACs, derived from the CA's key. They count only members whose line has a good one. A worker has no such
 * key, and needs none: it takes an endpoint from anybody, and the server there has to prove itself by the CA.
 */
#include "lib/node_record.h"

enum election_move { ELECTION_ACT, ELECTION_CANDIDACY, ELECTION_WAIT, ELECTION_BACK_OFF, ELECTION_FOLLOW };

struct candidate {
	long vmid;
	bool running; /* according to PVE */
	bool unread;  /* its notes could not be read now: the member is what its tags say */
	bool written; /* of our own entry: the claim in the notes is the one that this process wrote */
	bool proven;  /* its line has the MAC of a control plane of the cluster, for this guest */
	struct node_record member;
};
struct candidates {
	struct candidate *at; /* owned, sorted by vmid; the node itself is among them */
	size_t n, max;
};

/* What a member must have to count; all borrowed. */
struct election_trust {
	const char *cluster;
	bool has_ca;      /* the CA came with the seed: an endpoint needs no hash, since its server proves itself */
	bool needs_proof; /* this node has the key of the control planes' MACs: lines of others say nothing */
};

/* VMIDs of the members whose endpoint was tried and did not lead to a join, one for each time. */
struct election_tried {
	long *at; /* owned */
	size_t n, max;
};

/* Pure. claim: "init" or "join". *ret_other: the candidate to wait for, to back off from or to follow;
 * borrowed; NULL for ACT and CANDIDACY. */
enum election_move election_decide(const struct candidates *all, long own_vmid, const struct election_trust *trust,
				   const char *claim, const struct candidate **ret_other);
/* The member whose endpoint and CA hashes a joining node uses: one of this cluster with both published, of
 * those that were tried least one that is running and not failed. NULL = none yet. */
const struct candidate *election_find(const struct candidates *all, const struct election_trust *trust,
				      const struct election_tried *tried);
size_t election_tries(const struct election_tried *tried, long vmid);
void candidates_done(struct candidates *all);
