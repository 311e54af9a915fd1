/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_plan.h"

#include <stdlib.h>
#include <string.h>

struct deploy_planning {
	const struct deploy_order *o;
	const struct deploy_state *s;
	struct deploy_steps *steps;
};

static struct deploy_step *push(struct deploy_planning *p, enum deploy_action act, const char *name)
{
	vec_push(p->steps, (struct deploy_step){ .act = act, .name = xstrdup(name) });
	return &p->steps->at[p->steps->n - 1];
}

/* A step for a node's guest; g NULL = not created yet. */
static struct deploy_step *push_for(struct deploy_planning *p, enum deploy_action act, const struct cluster_node *n,
				    const struct deploy_guest *g)
{
	struct deploy_step *step = push(p, act, n->name);

	step->node = n;
	step->pve_node = xstrdup(g ? g->pve_node : n->pve_node);
	step->vmid = g ? g->vmid : n->vmid;
	step->kind = n->kind;
	return step;
}

static struct deploy_step *push_guest(struct deploy_planning *p, enum deploy_action act, const struct deploy_guest *g,
				      const char *why)
{
	struct deploy_step *step = push(p, act, g->mark.node);

	step->pve_node = xstrdup(g->pve_node);
	step->vmid = g->vmid;
	step->kind = g->kind;
	step->why = why;
	return step;
}

/* ---- the state ---- */

/* A token's or a volume's; only the owner of the agents' user and of the storage can make them. */
static bool is_ours(const struct deploy_order *o, const struct deploy_notes *mark)
{
	return *o->key && !strcmp(o->key, mark->key);
}

bool deploy_guest_ready(const struct deploy_guest *g)
{
	return g->record.state == NODE_RECORD_READY;
}

/* How many of its steps a guest has completed. */
static int rank(const struct deploy_guest *g)
{
	return deploy_guest_ready(g) ? 3 : g->running ? 2 : *g->seed ? 1 : 0;
}

const struct deploy_guest *deploy_plan_guest(const struct deploy_state *s, const char *node)
{
	const struct deploy_guest *best = NULL;

	for (size_t i = 0; i < s->guests.n; i++) {
		const struct deploy_guest *g = &s->guests.at[i];
		if (g->claim == DEPLOY_OURS && !strcmp(g->mark.node, node) && (!best || rank(g) > rank(best)))
			best = g;
	}
	return best;
}

static const struct deploy_token *token_of(const struct deploy_planning *p, const char *node)
{
	for (size_t i = 0; i < p->s->tokens.n; i++) {
		const struct deploy_token *t = &p->s->tokens.at[i];
		if (is_ours(p->o, &t->mark) && !strcmp(t->mark.node, node))
			return t;
	}
	return NULL;
}

static bool is_valid(const struct deploy_planning *p, const struct deploy_token *t)
{
	return t && (!t->expire || t->expire > p->o->now);
}

/* ---- pieces ---- */

static void plan_revoke(struct deploy_planning *p, const char *node, const char *why)
{
	for (size_t i = 0; i < p->s->tokens.n; i++) {
		const struct deploy_token *t = &p->s->tokens.at[i];
		if (is_ours(p->o, &t->mark) && !strcmp(t->mark.node, node))
			push(p, DEPLOY_REVOKE, t->name)->why = why;
	}
}

/* A volume that the token may not delete is overwritten, unless it already is. */
static void plan_discard(struct deploy_planning *p, const char *node)
{
	for (size_t i = 0; i < p->s->volumes.n; i++) {
		const struct deploy_volume *v = &p->s->volumes.at[i];
		bool done = !p->o->may_discard && v->size == DEPLOY_BLANK;
		if (done || !is_ours(p->o, &v->mark) || strcmp(v->mark.node, node) != 0)
			continue;
		struct deploy_step *step = push(p, DEPLOY_DISCARD, v->volid);
		step->pve_node = xstrdup(v->pve_node);
		step->why = p->o->may_discard ? NULL : "overwritten: the token may not delete it";
	}
}

/* PVE shows a token's secret once: a new seed cannot use a token that exists. */
static void plan_token(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	plan_revoke(p, n->name, "its secret is no longer known");
	push_for(p, DEPLOY_TOKEN, n, g);
}

/* The steps once the node runs; they remove what does not exist yet. */
static void plan_end(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	struct deploy_notes mark = { .cluster = p->o->cluster->name, .node = n->name };

	memcpy(mark.key, p->o->key, sizeof mark.key);
	push_for(p, DEPLOY_WATCH, n, g);
	if (n->kind == PVE_QEMU) {
		CLEANUP(free_p) char *name = deploy_notes_volume(&mark, ".iso");
		push_for(p, DEPLOY_EJECT, n, g);
		struct deploy_step *step = push(p, DEPLOY_DISCARD, "");
		free(step->name);
		step->pve_node = xstrdup(g ? g->pve_node : n->pve_node);
		step->name =
			xasprintf("%s:iso/%s", target_storages_on(&p->o->cluster->target, step->pve_node)->seeds, name);
	}
	CLEANUP(free_p) char *token = deploy_notes_token(&mark);
	push(p, DEPLOY_REVOKE, token);
}

/* ---- a node ---- */

static bool is_small(const struct deploy_guest *g, unsigned long long wanted)
{
	const char *size = g && g->disk ? strstr(g->disk, "size=") : NULL;
	CLEANUP(free_p) char *word = size ? xstrndup(size + 5, strcspn(size + 5, ",")) : NULL;
	unsigned long long bytes = 0;

	return wanted && (!word || !text_size(word, &bytes) || bytes < wanted);
}

static void plan_fresh_vm(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	if (g && g->running)
		push_for(p, DEPLOY_STOP, n, g)->why =
			*g->seed ? "its token has expired" : "it was started without its seed";
	if (is_small(g, n->size.disk))
		push_for(p, DEPLOY_GROW, n, g);
	plan_token(p, n, g);
	push_for(p, DEPLOY_GRANT, n, g);
	push_for(p, DEPLOY_SEED, n, g);
	push_for(p, DEPLOY_ATTACH, n, g);
	push_for(p, DEPLOY_START, n, g);
}

static void plan_done(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	if (!g->running)
		push_for(p, DEPLOY_START, n, g)->why = "it is ready, but stopped";
	if (*g->seed)
		push_for(p, DEPLOY_EJECT, n, g);
	plan_discard(p, n->name);
	plan_revoke(p, n->name, NULL);
}

static void plan_vm(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	bool seeded = g && *g->seed && is_valid(p, token_of(p, n->name));

	if (!seeded) {
		plan_fresh_vm(p, n, g);
		return;
	}
	if (!g->running) {
		push_for(p, DEPLOY_GRANT, n, g);
		push_for(p, DEPLOY_START, n, g);
	}
}

static void plan_ct(struct deploy_planning *p, const struct cluster_node *n, const struct deploy_guest *g)
{
	if (g)
		plan_discard(p, n->name);
	if (!g || !g->running) {
		push_for(p, DEPLOY_GRANT, n, g);
		push_for(p, DEPLOY_TAG, n, g);
		push_for(p, DEPLOY_START, n, g);
	}
}

static void plan_node(struct deploy_planning *p, const struct cluster_node *n)
{
	const struct deploy_guest *g = deploy_plan_guest(p->s, n->name);

	if (g && g->locked)
		push_for(p, DEPLOY_PAUSE, n, g)->why = "it is locked";
	else if (g && deploy_guest_ready(g))
		plan_done(p, n, g);
	else if (n->kind == PVE_LXC)
		plan_ct(p, n, g);
	else
		plan_vm(p, n, g);
}

static void plan_rest(struct deploy_planning *p, const struct cluster_node *n)
{
	const struct deploy_guest *g = deploy_plan_guest(p->s, n->name);

	if (!g || (!g->locked && !deploy_guest_ready(g)))
		plan_end(p, n, g);
}

/* In the order of roles: the others wait for the nodes that create the cluster. */
static void plan_by_role(struct deploy_planning *p, void (*plan)(struct deploy_planning *, const struct cluster_node *))
{
	const struct cluster *c = p->o->cluster;

	for (int role = NODE_INIT; role <= NODE_WORKER; role++)
		for (size_t i = 0; i < c->nodes.n; i++)
			if ((int)c->nodes.at[i].role == role)
				plan(p, &c->nodes.at[i]);
}

/* A container that never ran and whose token has been removed or has expired: it could never register. */
static bool is_lost(const struct deploy_planning *p, const struct deploy_guest *g)
{
	return g->kind == PVE_LXC && !g->running && !g->locked && !deploy_guest_ready(g) &&
	       !is_valid(p, token_of(p, g->mark.node));
}

static void plan_surplus(struct deploy_planning *p)
{
	for (size_t i = 0; i < p->s->guests.n; i++) {
		const struct deploy_guest *g = &p->s->guests.at[i];
		if (g->claim != DEPLOY_OURS || !cluster_find(p->o->cluster, g->mark.node))
			continue;
		if (g != deploy_plan_guest(p->s, g->mark.node) && rank(g) < 2)
			push_guest(p, DEPLOY_REMOVE, g, "a duplicate");
		else if (is_lost(p, g))
			push_guest(p, DEPLOY_REMOVE, g, "its token is missing");
	}
}

static void plan_making(struct deploy_planning *p, const struct cluster_node *n)
{
	const struct deploy_guest *g = deploy_plan_guest(p->s, n->name);

	if (g && !is_lost(p, g))
		return;
	if (n->kind == PVE_QEMU) {
		push_for(p, DEPLOY_CLONE, n, NULL);
		return;
	}
	plan_token(p, n, NULL);
	push_for(p, DEPLOY_SEED, n, NULL);
	push_for(p, DEPLOY_CREATE, n, NULL);
}

static void plan_tasks(struct deploy_planning *p)
{
	for (size_t i = 0; i < p->s->tasks.n; i++)
		push(p, DEPLOY_WAIT_TASK, p->s->tasks.at[i]);
}

/* Starts all nodes before it waits for the first, because nodes wait for each other. */
void deploy_plan(const struct deploy_order *o, const struct deploy_state *s, struct deploy_steps *ret)
{
	struct deploy_planning p = { .o = o, .s = s, .steps = ret };

	plan_tasks(&p);
	plan_surplus(&p);
	for (size_t i = 0; i < o->cluster->nodes.n; i++)
		plan_making(&p, &o->cluster->nodes.at[i]);
	ret->first = ret->n;
	plan_by_role(&p, plan_node);
	plan_by_role(&p, plan_rest);
}

/* ---- destroy ---- */

void destroy_plan(const struct deploy_order *o, const struct deploy_state *s, struct deploy_steps *ret)
{
	struct deploy_planning p = { .o = o, .s = s, .steps = ret };

	plan_tasks(&p);
	ret->first = ret->n;
	for (size_t i = 0; i < s->tokens.n; i++)
		if (is_ours(o, &s->tokens.at[i].mark))
			push(&p, DEPLOY_REVOKE, s->tokens.at[i].name);
	for (size_t i = 0; i < s->guests.n; i++) {
		const struct deploy_guest *g = &s->guests.at[i];
		if (g->claim != DEPLOY_OURS)
			continue;
		if (g->running)
			push_guest(&p, DEPLOY_STOP, g, NULL);
		push_guest(&p, DEPLOY_REMOVE, g, NULL);
	}
	for (size_t i = 0; i < s->volumes.n; i++)
		if (is_ours(o, &s->volumes.at[i].mark) && (o->may_discard || s->volumes.at[i].size != DEPLOY_BLANK)) {
			struct deploy_step *step = push(&p, DEPLOY_DISCARD, s->volumes.at[i].volid);
			step->pve_node = xstrdup(s->volumes.at[i].pve_node);
			step->why = o->may_discard ? NULL : "overwritten: the token may not delete it";
		}
}

/* ---- text ---- */

/* %: what the step acts on. */
static const char *const words[] = {
	[DEPLOY_WAIT_TASK] = "wait for task %",
	[DEPLOY_PAUSE] = "wait for %",
	[DEPLOY_CLONE] = "clone %",
	[DEPLOY_GROW] = "grow the disk of %",
	[DEPLOY_TOKEN] = "make a token for %",
	[DEPLOY_GRANT] = "give the token its rights on %",
	[DEPLOY_SEED] = "upload the seed of %",
	[DEPLOY_ATTACH] = "configure %, with its seed",
	[DEPLOY_CREATE] = "create %",
	[DEPLOY_TAG] = "tag %",
	[DEPLOY_START] = "start %",
	[DEPLOY_WATCH] = "wait until % is ready",
	[DEPLOY_EJECT] = "take the seed out of %",
	[DEPLOY_DISCARD] = "delete %",
	[DEPLOY_REVOKE] = "delete token %",
	[DEPLOY_STOP] = "stop %",
	[DEPLOY_REMOVE] = "remove % with its disks",
};

static void add_thing(const struct deploy_step *step, struct text *ret)
{
	if (!step->node && step->act != DEPLOY_STOP && step->act != DEPLOY_REMOVE) {
		text_add(ret, step->name);
		return;
	}
	text_addf(ret, "%s ", step->kind == PVE_LXC ? "CT" : "VM");
	if (step->vmid)
		text_addf(ret, "%ld ", step->vmid);
	text_addf(ret, "%s", step->name);
}

static void add_size(const struct cluster_node *n, struct text *ret)
{
	if (n->size.cores)
		text_addf(ret, ", %ld cores", n->size.cores);
	if (n->size.memory)
		text_addf(ret, ", %s of memory", text_bytes(n->size.memory));
}

void deploy_step_text(const struct deploy_order *o, const struct deploy_step *step, struct text *ret)
{
	const char *form = words[step->act], *hole = strchr(form, '%');
	const struct cluster_node *n = step->node;

	text_addn(ret, form, (size_t)(hole - form));
	add_thing(step, ret);
	text_add(ret, hole + 1);
	if (step->act == DEPLOY_CLONE)
		text_addf(ret, " of %s (%s)",
			  n->template            ? n->template
			  : o->cluster->template ? o->cluster->template
						 : "the newest template",
			  o->full ? "full" : "linked");
	if (step->act == DEPLOY_GROW)
		text_addf(ret, " to %s", text_bytes(n->size.disk));
	if (step->act == DEPLOY_ATTACH || step->act == DEPLOY_CREATE)
		add_size(n, ret);
	if (step->pve_node)
		text_addf(ret, " on %s", step->pve_node);
	if (step->why)
		text_addf(ret, " (%s)", step->why);
}

void deploy_steps_done(struct deploy_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		free(steps->at[i].name);
		free(steps->at[i].pve_node);
	}
	vec_done(steps);
}
