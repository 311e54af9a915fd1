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

#include "agent/election.h"

#define NODES 4
#define PUTS 2 /* of one node that may be under way at once; no more faults than that */
#define MARK_MAX 7

/* What a node does next. */
enum { LOOK, CLAIM, DROP, ACT, PUBLISH, LEAVE, DONE, LOST };
/* What it has on its disk. */
enum { IDLE, ACTING, MADE, GAVE_UP };
/* What notes say, in addition to the mark in the bits above. */
enum { CLAIMS = 1, PUBLISHED = 2, MARK = 4 };
/* What a node may have seen in another's notes beside these, where its mark would be: nothing, since they could not be read; an
 * endpoint without CA hashes; a claim and an endpoint of another cluster. */
enum { UNREAD = 4, HALF = 8, OTHER = 16 };
static const uint8_t lies[] = { 0, CLAIMS, PUBLISHED, CLAIMS | PUBLISHED, UNREAD, HALF, OTHER | CLAIMS | PUBLISHED };

struct place {
	uint8_t next;        /* step */
	uint8_t disk;        /* survives a crash */
	uint8_t notes;       /* at PVE: mark of the write, CLAIMS, PUBLISHED */
	uint8_t mine;        /* mark of the last write, when it was acknowledged to this process; 0 = none */
	uint8_t reading;     /* whose notes are read next, with LOOK */
	uint8_t seen[NODES]; /* so far */
	uint16_t put[PUTS];  /* writes under way: the notes that the digest was for, and those to write; 0 = none */
};

struct world {
	struct place at[NODES];
	uint8_t faults; /* left */
};

struct rules {
	int nodes, faults;
	const char *claim;
	int hostile;     /* index of the member that lies, plus 1; 0 = none does */
	bool trust_old;  /* wrong: a claim from before a crash counts */
	bool look_once;  /* wrong: acts without looking again */
	bool never_give; /* wrong: a higher VMID does not yield */
	bool same_again; /* wrong: nothing is written when the notes seem to say it already */
};

/* All worlds that were reached: a hash table over an array. */
struct space {
	const struct rules *rules;
	struct world *at; /* owned */
	uint32_t *slot;   /* owned; index + 1 */
	size_t n, max, slots;
	const char *wrong; /* the first thing found */
};

/* A mark that nothing which still matters carries. */
static uint8_t fresh_mark(const struct place *p)
{
	bool used[MARK_MAX + 1] = { true };

	used[p->notes / MARK] = true;
	for (int i = 0; i < PUTS; i++)
		used[(p->put[i] >> 8) / MARK] = used[(p->put[i] & 255) / MARK] = true;
	for (uint8_t mark = 1; mark <= MARK_MAX; mark++)
		if (!used[mark])
			return mark;
	abort();
}

#define ELECTION_LOST (ELECTION_FOLLOW + 1) /* to follow, and nothing to follow */

static int decide(const struct rules *rules, const struct place *p, int self)
{
	static char *hash = (char *)"sha256:..";
	struct candidate at[NODES] = { 0 };
	struct candidates all = { .at = at, .n = (size_t)rules->nodes };
	const struct candidate *other;

	for (int i = 0; i < rules->nodes; i++) {
		at[i].vmid = 100 + i;
		at[i].member.claim = p->seen[i] & CLAIMS ? (char *)rules->claim : NULL;
		bool half = i != self && p->seen[i] & HALF, foreign = i != self && p->seen[i] & OTHER;
		at[i].member.endpoint = p->seen[i] & PUBLISHED || half ? (char *)"10.0.0.1:6443" : NULL;
		at[i].member.ca = (struct strings){ .at = &hash, .n = !half };
		at[i].member.cluster = foreign ? (char *)"other" : (char *)"lab";
		at[i].unread = i != self && p->seen[i] & UNREAD;
		at[i].written = i == self && (rules->trust_old || (p->mine && p->seen[i] / MARK == p->mine));
	}
	int move = (int)election_decide(&all, 100 + self, "lab", rules->claim, &other);
	if (move == ELECTION_FOLLOW && !election_find(&all, "lab", &(struct election_tried){ 0 }))
		return ELECTION_LOST;
	if (move == ELECTION_CANDIDACY && rules->look_once)
		return ELECTION_ACT;
	return move == ELECTION_BACK_OFF && rules->never_give ? ELECTION_WAIT : move;
}

static void start(struct place *p, uint8_t step)
{
	p->next = step;
	p->reading = 0;
	memset(p->seen, 0, sizeof p->seen);
}

/* says: what the notes say, as far as they are another's. */
static void look(const struct rules *rules, struct world *w, int self, uint8_t says)
{
	static const uint8_t after[] = {
		[ELECTION_ACT] = ACT,       [ELECTION_CANDIDACY] = CLAIM, [ELECTION_WAIT] = LOOK,
		[ELECTION_BACK_OFF] = DROP, [ELECTION_FOLLOW] = LEAVE,    [ELECTION_LOST] = LOST
	};
	struct place *p = &w->at[self];

	/* another's marks mean nothing to us */
	p->seen[p->reading] = p->reading == self ? p->notes : says;
	if (++p->reading < rules->nodes)
		return;
	int move = decide(rules, p, self);
	start(p, after[move]);
	if (move == ELECTION_ACT)
		p->disk = ACTING;
}

/* What the node's next write makes of its notes. Nothing is written when this process knows that they are there already. */
static uint8_t to_write(const struct rules *rules, const struct place *p)
{
	uint8_t says = p->next == CLAIM ? CLAIMS : p->next == PUBLISH && rules->claim[0] == 'i' ? PUBLISHED : 0;
	bool known = p->mine && p->notes / MARK == p->mine && p->notes % MARK == says;

	if (rules->same_again && p->notes % MARK == says)
		return p->notes;
	return known ? p->notes : (uint8_t)(fresh_mark(p) * MARK + says);
}

/* A turn to join does not wait for notes that cannot be read: kubeadm's own retries have to suffice then. */
static bool is_init(const struct rules *rules)
{
	return rules->claim[0] == 'i';
}

/* What a node's next look sees of another's notes: what is there, or the lie-th lie. False = no such lie. */
static bool seen_next(const struct rules *rules, const struct world *w, int self, int lie, uint8_t *ret)
{
	const struct place *p = &w->at[self];
	bool hostile = p->next == LOOK && p->reading == rules->hostile - 1;

	if (hostile && lies[lie] == UNREAD && !is_init(rules))
		return false;
	*ret = hostile ? lies[lie] : w->at[p->reading % NODES].notes & (CLAIMS | PUBLISHED);
	return hostile || lie == 0;
}

static void step(const struct rules *rules, struct world *w, int self, uint8_t says)
{
	static const uint8_t after[] = { [CLAIM] = LOOK, [DROP] = LOOK, [PUBLISH] = DONE, [LEAVE] = DONE };
	struct place *p = &w->at[self];

	if (p->next == LOOK) {
		look(rules, w, self, says);
	} else if (p->next == ACT) {
		p->disk = MADE;
		p->next = PUBLISH;
	} else if (p->next != DONE) {
		p->notes = to_write(rules, p);
		p->mine = p->notes / MARK;
		start(p, after[p->next]);
	}
}

/* The answer does not come; the write may still be carried out. */
static bool lose(const struct rules *rules, struct place *p)
{
	int i = 0;

	while (i < PUTS && p->put[i])
		i++;
	if (p->next == LOOK || p->next == ACT || p->next == DONE || i == PUTS || to_write(rules, p) == p->notes)
		return false;
	p->put[i] = (uint16_t)(p->notes << 8 | to_write(rules, p));
	p->mine = 0;
	if (p->next == CLAIM || p->next == DROP)
		start(p, LOOK);
	return true;
}

/* A write that was under way arrives: with an old digest it fails. */
static bool land(struct place *p, int i)
{
	uint16_t put = p->put[i];

	if (!put)
		return false;
	p->put[i] = 0;
	if (put >> 8 == p->notes)
		p->notes = (uint8_t)put;
	return true;
}

/* announces: at its next boot it begins with a write that says "booting", and claims nothing. */
static bool crash(struct place *p, bool announces)
{
	static const uint8_t after[] = { [IDLE] = LOOK, [ACTING] = ACT, [MADE] = PUBLISH, [GAVE_UP] = LEAVE };

	if (p->next >= DONE || (announces && p->disk != IDLE))
		return false;
	p->mine = 0; /* what it wrote last may be under way */
	start(p, announces ? DROP : after[p->disk]);
	return true;
}

static bool give_up(struct place *p)
{
	if (p->next != ACT)
		return false;
	p->disk = GAVE_UP;
	p->next = LEAVE;
	return true;
}

/* The i-th thing that can happen next without a fault; *ret_node: whose step it is, -1 = of no node. False = it cannot. */
#define STEPS ((int)(NODES * ARRAY_SIZE(lies)))
#define EVENTS (STEPS + NODES * PUTS)
static bool happen(const struct rules *rules, struct world *w, int i, int *ret_node)
{
	int self = i % NODES;
	uint8_t says;

	*ret_node = i < STEPS ? self : -1;
	if (i >= STEPS)
		return land(&w->at[(i - STEPS) / PUTS], (i - STEPS) % PUTS);
	if (self >= rules->nodes || self == rules->hostile - 1 || w->at[self].next >= DONE ||
	    !seen_next(rules, w, self, i / NODES, &says))
		return false;
	step(rules, w, self, says);
	return true;
}

/* The notes that the node reads next cannot be read. */
static bool hide(const struct rules *rules, struct world *w, int self)
{
	if (!is_init(rules) || w->at[self].next != LOOK || w->at[self].reading == self)
		return false;
	look(rules, w, self, UNREAD);
	return true;
}

#define KINDS 5
#define FAULTS (NODES * KINDS)
static bool go_wrong(const struct rules *rules, struct world *w, int i)
{
	struct place *p = &w->at[i / KINDS];

	if (!w->faults || i / KINDS >= rules->nodes || i / KINDS == rules->hostile - 1)
		return false;
	w->faults--;
	switch (i % KINDS) {
	case 0:
		return lose(rules, p);
	case 1:
		return crash(p, false);
	case 2:
		return crash(p, true);
	case 3:
		return hide(rules, w, i / KINDS);
	default:
		return give_up(p);
	}
}

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
