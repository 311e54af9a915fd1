/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The world of test_election_model.c: nodes that carry out agent/election.h, and Proxmox VE with their notes. What can happen next, with
 * and without a fault.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/election.h"

static const struct election_trust lab = { .cluster = "lab" };

#define NODES 4
#define PUTS 2 /* of one node that may be under way at once; no more faults than that */
#define MARK_MAX 7

/* What a node does next. */
enum { LOOK, CLAIM, DROP, ACT, PUBLISH, LEAVE, DONE, LOST };
/* What it has on its disk. */
enum { IDLE, ACTING, MADE, GAVE_UP };
/* What notes say, in addition to the mark in the bits above. */
enum { CLAIMS = 1, PUBLISHED = 2, MARK = 4 };
/* What a node may have seen in another's notes in addition to these, where its mark would be: nothing, since they could not be read; an
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
	int move = (int)election_decide(&all, 100 + self, &lab, rules->claim, &other);
	if (move == ELECTION_FOLLOW && !election_find(&all, &lab, &(struct election_tried){ 0 }))
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
