/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/election.h, walked through in every order of steps: two to four nodes read each other's notes one by one, claim, drop,
 * act, publish; with faults in between (a node crashes; the answer to a write is lost, and the write is carried out later, or
 * never; a node gives up). In every state that can be reached, no two act; and from every one, when no more faults come, all
 * nodes finish, however unluckily they take turns. With a hostile member, whose notes say something else at each look, honest
 * nodes may wait without end, or follow it; still no two act.
 *
 * The same walk must find what is wrong with rules that look just as good.
 */
#include "tests/unit/check.h"

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/election_world.h"

/* All worlds that were reached: a hash table over an array. */
struct space {
	const struct rules *rules;
	struct world *at; /* owned */
	uint32_t *slot;   /* owned; index + 1 */
	size_t n, max, slots;
	const char *wrong; /* the first thing found */
};

static uint64_t hash_of(const struct world *w)
{
	const uint8_t *byte = (const uint8_t *)w;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < sizeof *w; i++)
		h = (h ^ byte[i]) * 1099511628211u;
	return h ^ h >> 29;
}

static uint32_t *slot_of(const struct space *s, const struct world *w)
{
	size_t i = hash_of(w) % s->slots;

	while (s->slot[i] && memcmp(&s->at[s->slot[i] - 1], w, sizeof *w) != 0)
		i = (i + 1) % s->slots;
	return &s->slot[i];
}

static void grow(struct space *s)
{
	s->max = s->max ? 2 * s->max : 1 << 12;
	s->at = xrealloc(s->at, s->max, sizeof *s->at);
	free(s->slot);
	s->slots = 2 * s->max + 1;
	s->slot = xcalloc(s->slots, sizeof *s->slot);
	for (size_t i = 0; i < s->n; i++)
		*slot_of(s, &s->at[i]) = (uint32_t)i + 1;
}

/* Two that make a cluster, ever; or two that join at once. All done, and no node made a cluster although none gave up. */
static const char *classify(const struct rules *rules, const struct world *w)
{
	bool init = is_init(rules);
	int acting = 0, done = 0, gave_up = 0;

	for (int i = 0; i < rules->nodes; i++) {
		acting += w->at[i].disk == ACTING || (init && w->at[i].disk == MADE);
		done += w->at[i].next == DONE;
		gave_up += w->at[i].disk == GAVE_UP;
		if (w->at[i].next == LOST)
			return "one follows nothing";
	}
	if (acting > 1)
		return "two act";
	return init && !rules->hostile && done == rules->nodes && !acting && !gave_up ? "no node acted" : NULL;
}

static void reach(struct space *s, const struct world *w)
{
	if (s->n == s->max)
		grow(s);
	uint32_t *slot = slot_of(s, w);
	if (*slot)
		return;
	s->at[s->n++] = *w;
	*slot = (uint32_t)s->n;
	if (!s->wrong)
		s->wrong = classify(s->rules, w);
}

static void explore(struct space *s)
{
	struct world first = { .faults = (uint8_t)s->rules->faults };
	int node;

	reach(s, &first);
	for (size_t i = 0; i < s->n && !s->wrong; i++) {
		for (int e = 0; e < EVENTS; e++) {
			struct world w = s->at[i];
			if (happen(s->rules, &w, e, &node))
				reach(s, &w);
		}
		for (int f = 0; f < FAULTS; f++) {
			struct world w = s->at[i];
			if (go_wrong(s->rules, &w, f))
				reach(s, &w);
		}
	}
}

/* Tarjan's strongly connected components, of the worlds joined by what happens without a fault. */
struct visit {
	uint32_t order, low, component; /* 0 = not yet */
	uint32_t stacked;               /* the one below on the stack of open worlds */
	uint32_t parent;
	uint8_t event; /* tried next */
};

struct walk {
	const struct space *space;
	struct visit *at; /* owned; index 0 is unused */
	uint32_t orders, components, top;
};

static uint32_t follow(const struct space *s, uint32_t from, int event, int *ret_node)
{
	struct world w = s->at[from - 1];

	return happen(s->rules, &w, event, ret_node) ? *slot_of(s, &w) : 0;
}

static void open_world(struct walk *k, uint32_t i, uint32_t parent)
{
	k->at[i] = (struct visit){ .order = ++k->orders, .low = k->orders, .stacked = k->top, .parent = parent };
	k->top = i;
}

static void close_world(struct walk *k, uint32_t i)
{
	uint32_t parent = k->at[i].parent;

	if (parent && k->at[i].low < k->at[parent].low)
		k->at[parent].low = k->at[i].low;
	if (k->at[i].low != k->at[i].order)
		return;
	k->components++;
	for (uint32_t member = 0; member != i; k->top = k->at[member].stacked) {
		member = k->top;
		k->at[member].component = k->components;
	}
}

static void walk_from(struct walk *k, uint32_t i)
{
	int node;

	open_world(k, i, 0);
	while (i) {
		struct visit *v = &k->at[i];
		if (v->event == EVENTS) {
			close_world(k, i);
			i = v->parent;
			continue;
		}
		uint32_t to = follow(k->space, i, v->event++, &node);
		if (to && !k->at[to].order) {
			open_world(k, to, i);
			i = to;
		} else if (to && !k->at[to].component && k->at[to].order < v->low) {
			v->low = k->at[to].order;
		}
	}
}

static uint8_t unfinished(const struct space *s, const struct world *w)
{
	uint8_t mask = 0;

	for (int i = 0; i < s->rules->nodes; i++)
		mask |= (uint8_t)((w->at[i].next < DONE) << i);
	return mask;
}

/* A circle in which every node that is not done takes its steps, and still none is done: they could repeat it without end. */
static bool goes_round(const struct walk *k)
{
	const struct space *s = k->space;
	uint8_t *moves = xcalloc(k->components + 1, 1);
	bool found = false;

	for (uint32_t i = 1; i <= s->n; i++)
		for (int node, e = 0; e < s->rules->nodes; e++) {
			uint32_t to = follow(s, i, e, &node);
			if (to && k->at[to].component == k->at[i].component)
				moves[k->at[i].component] |= (uint8_t)(1 << node);
		}
	for (uint32_t i = 1; i <= s->n; i++) {
		uint8_t left = unfinished(s, &s->at[i - 1]);
		found = found || (left && (moves[k->at[i].component] & left) == left);
	}
	free(moves);
	return found;
}

/* What is wrong with the rules; NULL = nothing. */
static const char *kubeadm_error_on(const struct rules *rules)
{
	struct space s = { .rules = rules };
	struct walk k = { .space = &s };

	explore(&s);
	if (!s.wrong && !rules->hostile) {
		k.at = xcalloc(s.n + 1, sizeof *k.at);
		for (uint32_t i = 1; i <= s.n; i++)
			if (!k.at[i].order)
				walk_from(&k, i);
		if (goes_round(&k))
			s.wrong = "they wait without end";
	}
	printf("# %d nodes, %d faults, %s: %zu worlds: %s\n", rules->nodes, rules->faults, rules->claim, s.n,
	       s.wrong ? s.wrong : "good");
	free(k.at);
	free(s.at);
	free(s.slot);
	return s.wrong;
}

TEST(election_model_one_initialises)
{
	static const struct rules cases[] = {
		{ .nodes = 1, .faults = 2 }, { .nodes = 2, .faults = 2 }, { .nodes = 3, .faults = 1 }, { .nodes = 4 }
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules rules = cases[i];
		rules.claim = "init";
		CHECK(kubeadm_error_on(&rules) == NULL);
	}
}

TEST(election_model_control_planes_join_one_at_a_time)
{
	static const struct rules cases[] = {
		{ .nodes = 1, .faults = 2 }, { .nodes = 2, .faults = 2 }, { .nodes = 3, .faults = 1 }, { .nodes = 4 }
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules rules = cases[i];
		rules.claim = "join";
		CHECK(kubeadm_error_on(&rules) == NULL);
	}
}

TEST(election_model_hostile_member_makes_no_two_act)
{
	static const struct rules cases[] = {
		{ .nodes = 2, .faults = 2, .hostile = 1 },
		{ .nodes = 3, .faults = 1, .hostile = 1 },
		{ .nodes = 3, .faults = 1, .hostile = 3 },
		{ .nodes = 4, .hostile = 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules rules = cases[i];
		rules.claim = "init";
		CHECK(kubeadm_error_on(&rules) == NULL);
		rules.claim = "join";
		CHECK(kubeadm_error_on(&rules) == NULL);
	}
}

TEST(election_model_claim_from_before_a_crash_proves_nothing)
{
	CHECK_STR(kubeadm_error_on(&(struct rules){ .nodes = 2, .faults = 2, .claim = "init", .trust_old = true }),
		  "two act");
}

TEST(election_model_needs_a_look_after_the_claim)
{
	CHECK_STR(kubeadm_error_on(&(struct rules){ .nodes = 2, .claim = "init", .look_once = true }), "two act");
}

TEST(election_model_needs_one_to_back_off)
{
	CHECK_STR(kubeadm_error_on(&(struct rules){ .nodes = 2, .claim = "join", .never_give = true }),
		  "they wait without end");
}

TEST(election_model_needs_writes_under_way_to_be_overtaken)
{
	CHECK_STR(kubeadm_error_on(&(struct rules){ .nodes = 2, .faults = 2, .claim = "join", .same_again = true }),
		  "two act");
}
