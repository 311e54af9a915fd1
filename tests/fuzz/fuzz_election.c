/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary members, as hostile users may write them: on each line a guest, "VMID FLAG NOTES", FLAG r = running, u = unread, w = our
 * own line in our own words. Whatever they say, no decision is one that the node cannot carry out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/election.h"

static const struct election_trust lab = { .cluster = "lab" };

#define OWN 102

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct candidates *all, char *line)
{
	char *rest;
	struct candidate c = { .vmid = strtol(line, &rest, 10) % 1000 };

	rest += *rest == ' ';
	c.running = *rest == 'r';
	c.unread = *rest == 'u' && c.vmid != OWN;
	c.written = *rest == 'w' && c.vmid == OWN;
	rest += *rest != '\0';
	node_record_parse("k8s.cluster.lab", text_trim(rest), &c.member);
	vec_push(all, c);
}

static bool is_other_of_cluster(const struct candidate *c)
{
	return c->vmid != OWN && text_same(c->member.cluster, "lab");
}

static void check_decision(const struct candidates *all, const char *claim)
{
	const struct candidate *other = NULL, *found = election_find(all, &lab, &(struct election_tried){ 0 });
	enum election_move move = election_decide(all, OWN, &lab, claim, &other);

	if ((other != NULL) != (move == ELECTION_WAIT || move == ELECTION_BACK_OFF || move == ELECTION_FOLLOW))
		abort();
	if (move == ELECTION_FOLLOW && (!found || !is_other_of_cluster(other) || !other->member.ca.n))
		abort();
	for (size_t i = 0; i < all->n && move <= ELECTION_CANDIDACY; i++)
		if (is_other_of_cluster(&all->at[i]) && text_same(all->at[i].member.claim, claim))
			abort();
}

/* Each published endpoint is tried once before one is tried twice. */
static void check_turns(const struct candidates *all)
{
	struct election_tried tried = { 0 };
	const struct candidate *found;
	size_t most = 0;

	for (size_t i = 0; i < 2 * all->n && (found = election_find(all, &lab, &tried)); i++) {
		size_t tries = election_tries(&tried, found->vmid);
		if (tries < most || !found->member.endpoint)
			abort();
		most = tries;
		vec_push(&tried, found->vmid);
	}
	vec_done(&tried);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	CLEANUP(candidates_done) struct candidates all = { 0 };
	char *rest = text;

	for (char *line; all.n < 50 && (line = strsep(&rest, "\n"));)
		add(&all, line);
	check_decision(&all, "init");
	check_decision(&all, "join");
	check_turns(&all);
	return 0;
}
