/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/election.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_WITH_ENDPOINT "init"

struct others {
	const struct candidate *published, *lower, *higher; /* the first of each */
	bool ours;
};

static void consider(const struct candidate *c, long own_vmid, const char *claim, struct others *ret)
{
	bool claims = text_same(c->member.claim, claim);

	if (c->vmid == own_vmid) {
		ret->ours = claims && c->written;
		return;
	}
	if (c->member.endpoint && !ret->published)
		ret->published = c;
	if (claims && c->vmid < own_vmid && !ret->lower)
		ret->lower = c;
	if (claims && c->vmid > own_vmid && !ret->higher)
		ret->higher = c;
}

enum election_move election_decide(const struct candidates *all, long own_vmid, const char *claim,
				   const struct candidate **ret_other)
{
	struct others others = { 0 };

	for (size_t i = 0; i < all->n; i++)
		consider(&all->at[i], own_vmid, claim, &others);
	if (strcmp(claim, CLAIM_WITH_ENDPOINT) != 0)
		others.published = NULL;
	*ret_other = others.published ? others.published : others.lower ? others.lower : others.higher;
	if (others.published)
		return ELECTION_FOLLOW;
	if (others.lower)
		return ELECTION_BACK_OFF;
	if (others.higher)
		return ELECTION_WAIT;
	return others.ours ? ELECTION_ACT : ELECTION_CANDIDACY;
}

/* Higher is better. */
static int worth(const struct candidate *c)
{
	return 2 * c->running + (c->member.state != NODE_RECORD_FAILED);
}

const struct candidate *election_find(const struct candidates *all, const char *cluster)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct candidate *c = &all->at[i];
		bool published = c->member.endpoint && c->member.ca.n && text_same(c->member.cluster, cluster);
		if (published && (!best || worth(c) > worth(best)))
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
