/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "agent/election.h"

static const struct election_trust lab = { .cluster = "lab" };

#define HASH "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A guest as words: claims init, claims join, published, written. */
static void add(struct candidates *all, long vmid, const char *words)
{
	struct candidate c = { .vmid = vmid,
			       .unread = strstr(words, "unread"),
			       .running = !strstr(words, "stopped"),
			       .written = strstr(words, "written") };

	c.member.claim = strstr(words, "init") ? xstrdup("init") : strstr(words, "join") ? xstrdup("join") : NULL;
	c.member.state = strstr(words, "failed") ? NODE_RECORD_FAILED : NODE_RECORD_READY;
	c.member.cluster = xstrdup(strstr(words, "other") ? "other" : "lab");
	if (strstr(words, "published")) {
		c.member.endpoint = xstrdup("10.0.0.1:6443");
		strings_add(&c.member.ca, HASH);
	}
	if (strstr(words, "hashless"))
		strings_done(&c.member.ca);
	vec_push(all, c);
}

static const struct {
	const char *claim, *first, *own, *last; /* guests 101, 102, 103 */
	enum election_move move;
	long other;
} decisions[] = {
	{ "init", "", "", "", ELECTION_CANDIDACY, 0 },
	{ "init", "", "init written", "", ELECTION_ACT, 0 },
	{ "init", "", "init", "", ELECTION_CANDIDACY, 0 },
	{ "init", "", "join written", "", ELECTION_CANDIDACY, 0 },
	{ "init", "", "written", "", ELECTION_CANDIDACY, 0 },
	{ "init", "init", "init written", "", ELECTION_BACK_OFF, 101 },
	{ "init", "init", "", "init", ELECTION_BACK_OFF, 101 },
	{ "init", "", "init written", "init", ELECTION_WAIT, 103 },
	{ "init", "", "", "init", ELECTION_WAIT, 103 },
	{ "init", "join", "init written", "join", ELECTION_ACT, 0 },
	{ "init", "", "init written", "published", ELECTION_FOLLOW, 103 },
	{ "init", "init", "init written", "published", ELECTION_FOLLOW, 103 },
	{ "init", "", "init written published", "", ELECTION_ACT, 0 },
	{ "init", "init stopped", "", "", ELECTION_BACK_OFF, 101 },
	/* What says nothing: half a record, the line of another cluster. */
	{ "init", "", "init written", "published hashless", ELECTION_ACT, 0 },
	{ "init", "published other", "init written", "", ELECTION_ACT, 0 },
	{ "init", "init other", "init written", "", ELECTION_ACT, 0 },
	/* What could not be read: it may claim, or have made the cluster. */
	{ "init", "unread", "init written", "", ELECTION_WAIT, 101 },
	{ "init", "unread", "", "", ELECTION_WAIT, 101 },
	{ "init", "init", "", "unread", ELECTION_BACK_OFF, 101 },
	{ "init", "unread", "", "published", ELECTION_FOLLOW, 103 },
	{ "join", "unread", "join written", "", ELECTION_ACT, 0 },
	{ "join", "published", "join written", "", ELECTION_ACT, 0 },
	{ "join", "published join", "join written", "", ELECTION_BACK_OFF, 101 },
	{ "join", "published init", "join written", "join", ELECTION_WAIT, 103 },
};

TEST(election_decides_by_the_table)
{
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		CLEANUP(candidates_done) struct candidates all = { 0 };
		const struct candidate *other;
		add(&all, 101, decisions[i].first);
		add(&all, 102, decisions[i].own);
		add(&all, 103, decisions[i].last);
		enum election_move move = election_decide(&all, 102, &lab, decisions[i].claim, &other);
		printf("# %zu: move %d, other %ld\n", i, move, other ? other->vmid : 0);
		CHECK(move == decisions[i].move);
		CHECK((other ? other->vmid : 0) == decisions[i].other);
	}
}

TEST(election_claims_first_when_not_in_the_list)
{
	struct candidates none = { 0 };
	const struct candidate *other;

	CHECK(election_decide(&none, 102, &lab, "init", &other) == ELECTION_CANDIDACY && !other);
}

TEST(election_finds_a_usable_member)
{
	static const struct {
		const char *first, *second, *third;
		long found;
	} cases[] = {
		{ "", "", "", 0 },
		{ "", "published", "", 102 },
		{ "published", "published", "", 101 },
		{ "published hashless", "published other", "", 0 },
		{ "published stopped", "published failed", "", 102 },
		{ "published failed", "published", "", 102 },
		{ "published stopped", "", "", 101 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(candidates_done) struct candidates all = { 0 };
		add(&all, 101, cases[i].first);
		add(&all, 102, cases[i].second);
		add(&all, 103, cases[i].third);
		const struct candidate *found = election_find(&all, &lab, &(struct election_tried){ 0 });
		CHECK((found ? found->vmid : 0) == cases[i].found);
	}
}

/* However good a member looks, what was tried before comes after the others. */
TEST(election_finds_what_was_tried_least)
{
	static const long order[] = { 102, 101, 103, 102, 101, 103 };
	CLEANUP(candidates_done) struct candidates all = { 0 };
	struct election_tried tried = { 0 };

	add(&all, 101, "published failed");
	add(&all, 102, "published");
	add(&all, 103, "published stopped failed");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct candidate *found = election_find(&all, &lab, &tried);
		CHECK(found && found->vmid == order[i] && election_tries(&tried, order[i]) == i / 3);
		vec_push(&tried, order[i]);
	}
	vec_done(&tried);
}
