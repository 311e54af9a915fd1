/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/election.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_WITH_ENDPOINT "init"

struct others {
	const struct candidate *published, *lower, *higher, *unread; /* the first of each */
	bool ours;
};

static bool counts(const struct candidate *c, const struct election_trust *trust)
{
	return text_same(c->member.cluster, trust->cluster) && (c->proven || !trust->needs_proof);
}

static bool has_published(const struct candidate *c, const struct election_trust *trust)
{
	return c->member.endpoint && (c->member.ca.n || trust->has_ca) && counts(c, trust);
}

static void consider(const struct candidate *c, long own_vmid, const struct election_trust *trust, const char *claim,
		     struct others *ret)
{
	bool claims = text_same(c->member.claim, claim) && counts(c, trust);

	if (c->vmid == own_vmid) {
		ret->ours = text_same(c->member.claim, claim) && c->written;
		return;
	}
	if (c->unread && !ret->unread)
		ret->unread = c;
	if (has_published(c, trust) && !ret->published)
		ret->published = c;
	if (claims && c->vmid < own_vmid && !ret->lower)
		ret->lower = c;
	if (claims && c->vmid > own_vmid && !ret->higher)
		ret->higher = c;
}

enum election_move election_decide(const struct candidates *all, long own_vmid, const struct election_trust *trust,
				   const char *claim, const struct candidate **ret_other)
{
	struct others others = { 0 };

	for (size_t i = 0; i < all->n; i++)
		consider(&all->at[i], own_vmid, trust, claim, &others);
	if (strcmp(claim, CLAIM_WITH_ENDPOINT) != 0)
		others.published = others.unread = NULL;
	if (!others.higher)
		others.higher = others.unread;
	*ret_other = others.published ? others.published : others.lower ? others.lower : others.higher;
	if (others.published)
		return ELECTION_FOLLOW;
	if (others.lower)
		return ELECTION_BACK_OFF;
	if (others.higher)
		return ELECTION_WAIT;
	return others.ours ? ELECTION_ACT : ELECTION_CANDIDACY;
}

size_t election_tries(const struct election_tried *tried, long vmid)
{
	size_t n = 0;

	for (size_t i = 0; i < tried->n; i++)
		n += tried->at[i] == vmid;
	return n;
}

static bool is_better(const struct candidate *a, const struct candidate *b, const struct election_tried *tried)
{
	size_t a_tries = election_tries(tried, a->vmid), b_tries = election_tries(tried, b->vmid);
	int a_worth = 2 * a->running + (a->member.state != NODE_RECORD_FAILED);
	int b_worth = 2 * b->running + (b->member.state != NODE_RECORD_FAILED);

	return a_tries == b_tries ? a_worth > b_worth : a_tries < b_tries;
}

const struct candidate *election_find(const struct candidates *all, const struct election_trust *trust,
				      const struct election_tried *tried)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct candidate *c = &all->at[i];
		if (has_published(c, trust) && (!best || is_better(c, best, tried)))
			best = c;
	}
	return best;
}

void candidates_done(struct candidates *all)
{
	for (size_t i = 0; i < all->n; i++)
		node_record_done(&all->at[i].member);
	vec_done(all);
}
