/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who goes first, without a lock service: each node writes only its own notes and reads the others'. Of all OTHER guests of the
 * cluster:
 *
 *	one has published an endpoint (claim "init")	-> FOLLOW: there is a cluster; drop the claim and join it
 *	one with a lower VMID claims			-> YIELD: make sure that no claim of ours stands, look again later
 *	only ones with higher VMIDs claim		-> WAIT: they see ours and yield, or they had acted before it stood
 *	nobody claims, and our claim does not stand	-> CLAIM: write it, and look again
 *	nobody claims, and ours stands			-> ACT
 *
 * Why never two act: each wrote its claim before the look that let it act. Had neither seen the other's claim, each look would
 * have come before the other's write. Why somebody acts: of those that claim at once, the lowest never yields, and nobody claims
 * who sees a claim. tests/unit/test_rendezvous_model.c walks through every order of up to four nodes' steps.
 *
 * Three things make it hold on a real API:
 * - Every write carries a mark of its own, so that a digest never comes back. A PUT of which nobody knows whether it was carried
 *   out (no answer, a crash) may still come; after the next write with a new mark it fails. So "ours stands" means: in the write
 *   that PVE acknowledged last to THIS process. And such a process writes again even when the notes seem to say it already.
 * - What is decided is synced to disk before it is acted on; a node that was cut off while it acted goes on, and asks nobody.
 *   Its claim stands until the endpoint is published (in one write), or until it has joined, or has been reset.
 * - The list of guests may be a moment old, their notes are not: the cluster's tag stands PVE_REGISTRATION_SETTLE seconds before the
 *   first claim, so that who claims is in everybody's list.
 *
 * A guest that claims and is gone for good blocks the others until it is deleted or its line in the notes is: whether it has made
 * half a cluster, nobody can know.
 */
#include "lib/node_record.h"

enum election_move { ELECTION_ACT, ELECTION_CANDIDACY, ELECTION_WAIT, ELECTION_BACK_OFF, ELECTION_FOLLOW };

struct candidate {
	long vmid;
	bool running; /* as far as PVE says */
	bool stands;  /* of our own: its claim is the one that this process wrote */
	struct node_record member;
};
struct candidates {
	struct candidate *at; /* owned, by vmid; the node itself is among them */
	size_t n, max;
};

/* Pure. claim: "init" or "join". *ret_other: whom we wait for, yield to or follow; borrowed; NULL for ACT and CLAIM. */
enum election_move election_decide(const struct candidates *all, long own_vmid, const char *claim,
				   const struct candidate **ret_other);
/* The member that a joiner takes endpoint and CA hashes from: of this cluster, with both published; a running one that has not
 * failed before others; NULL = none yet. */
const struct candidate *election_find(const struct candidates *all, const char *cluster);
void candidates_done(struct candidates *all);
