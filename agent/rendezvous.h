/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who goes first, without a lock service: each node writes only its own notes and reads the others'.
 *
 * A node that wants to act (initialise the cluster, or join as a control plane while no other does) writes its claim into its own
 * notes, and only after that write was acknowledged reads everybody's. Then, of all OTHER guests of the cluster that show the
 * same claim:
 *
 *	somebody has published an endpoint (for "init")	-> FOLLOW: there is a cluster; drop the claim and join it
 *	one with a lower VMID claims			-> YIELD: drop the claim, wait, look again
 *	only ones with higher VMIDs claim		-> WAIT: they yield to us, or had acted before we claimed
 *	nobody						-> ACT
 *
 * Two that both claim have both written before they read, so at least one sees the other; the higher always yields and the lower
 * always waits, so never both act. A node that acted and died keeps its claim in its notes, and goes on at its next boot;
 * one that is gone (deleted) is no longer in the list.
 */
#include "lib/member.h"

enum rendezvous_move { RENDEZVOUS_ACT, RENDEZVOUS_WAIT, RENDEZVOUS_YIELD, RENDEZVOUS_FOLLOW };

struct candidate {
	long vmid;
	bool running; /* as far as PVE says */
	struct member member;
};
struct candidates {
	struct candidate *at; /* owned, by vmid; the node itself is among them */
	size_t n, max;
};

/* Pure. claim: "init" or "join". *ret_other: whom we wait for, yield to or follow; borrowed; NULL for ACT. */
enum rendezvous_move rendezvous_decide(const struct candidates *all, long own_vmid, const char *claim,
				       const struct candidate **ret_other);
/* The member that a joiner takes endpoint and CA hashes from: of this cluster, with both published; NULL = none yet. */
const struct candidate *rendezvous_find(const struct candidates *all, const char *cluster);
void candidates_done(struct candidates *all);
