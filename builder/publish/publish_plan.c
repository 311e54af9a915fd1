/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_plan.h"

#include <string.h>

#include "builder/pve/pve_tags.h"

#define SETTINGS_FORMAT "1" /* increased when templates are made differently */

struct publish_planning {
	const struct publish_order *o;
	const struct publish_state *s;
	const struct publish_memory *m;
	struct publish_steps *steps;
	char settings[PUBLISH_NOTES_HASH + 1];
};

static void push(struct publish_planning *p, enum publish_action act, long vmid, const char *why)
{
	vec_push(p->steps, (struct publish_step){ .act = act, .vmid = vmid, .why = why });
}

static void push_file(struct publish_planning *p, enum publish_action act, unsigned part, const char *name,
		      const char *why)
{
	vec_push(p->steps, (struct publish_step){ .act = act, .part = part, .name = xstrdup(name), .why = why });
}

static bool listed(const long *list, size_t n, long vmid)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == vmid)
			return true;
	return false;
}

static bool is_old(const struct publish_memory *m, long vmid)
{
	return listed(m->old.at, m->old.n, vmid);
}

static bool is_finished(const struct publish_copy *c)
{
	return c->template && c->published.ready;
}

static bool same_image(const struct publish_order *o, const struct publish_copy *c)
{
	return !strcmp(c->published.sha256, o->image->vm.sha256) && c->published.firmware == o->firmware;
}

/* A copy of the order's image and firmware that --replace does not replace. */
static bool is_this(const struct publish_order *o, const struct publish_memory *m, const struct publish_copy *c)
{
	return same_image(o, c) && !is_old(m, c->vmid);
}

/* RFC 3339 dates sort as text. */
static bool is_newer(const struct publish_copy *a, const struct publish_copy *b)
{
	int order = strcmp(a->published.published, b->published.published);

	return order > 0 || (order == 0 && a->vmid > b->vmid);
}

static bool is_better(const struct publish_copy *a, const struct publish_copy *b, const char *settings)
{
	bool wanted = !strcmp(a->published.settings, settings);

	return wanted == !strcmp(b->published.settings, settings) ? is_newer(a, b) : wanted;
}

const struct publish_copy *publish_plan_ready(const struct publish_order *o, const struct publish_state *s,
					      const struct publish_memory *m)
{
	char settings[PUBLISH_NOTES_HASH + 1];
	const struct publish_copy *best = NULL;

	publish_settings(o, settings);
	for (size_t i = 0; i < s->copies.n; i++) {
		const struct publish_copy *c = &s->copies.at[i];
		if (is_this(o, m, c) && is_finished(c) && (!best || is_better(c, best, settings)))
			best = c;
	}
	return best;
}

void publish_memory_begin(struct publish_memory *m, const struct publish_order *o, const struct publish_state *s)
{
	for (size_t i = 0; o->replace && i < s->copies.n; i++)
		if (same_image(o, &s->copies.at[i]) && is_finished(&s->copies.at[i]))
			vec_push(&m->old, s->copies.at[i].vmid);
}

void publish_memory_done(struct publish_memory *m)
{
	vec_done(&m->old);
	vec_done(&m->kept);
	vec_done(&m->skipped);
}

void publish_settings(const struct publish_order *o, char ret[PUBLISH_NOTES_HASH + 1])
{
	struct hash *h = hash_new();
	CLEANUP(free_p) char *bridge = target_bridge_path(o->target);
	char hex[SHA256_HEX];

	hash_field(h, "format", SETTINGS_FORMAT);
	hash_field(h, "firmware", firmware_names[o->firmware]);
	hash_field(h, "disks", o->storages->disks);
	hash_field(h, "bridge", bridge);
	hash_field(h, "pool", o->target->pool);
	hash_hex(h, hex);
	hash_free(h);
	memcpy(ret, hex, PUBLISH_NOTES_HASH);
	ret[PUBLISH_NOTES_HASH] = '\0';
}

/* ---- files ---- */

static const struct publish_file *file_of(const struct publish_order *o, unsigned part)
{
	return part == PUBLISH_VM ? &o->image->vm : &o->image->ct;
}

static const struct publish_volumes *volumes_of(const struct publish_planning *p, unsigned part)
{
	return part == PUBLISH_VM ? &p->s->import : &p->s->vztmpl;
}

/* The name contains the digest: a file of another size was truncated by a crash. */
static void plan_upload(struct publish_planning *p, unsigned part)
{
	const struct publish_file *file = file_of(p->o, part);
	const struct publish_volume *there = publish_volumes_find(volumes_of(p, part), file->volume);
	bool again = p->o->replace && !(p->m->uploaded & part);

	if (!there || there->size != file->size)
		push_file(p, PUBLISH_UPLOAD, part, file->volume, there ? "what is there is not whole" : NULL);
	else if (again)
		push_file(p, PUBLISH_UPLOAD, part, file->volume, "--replace");
}

/* A file's name says nothing about who made it. It is ours when a copy of ours has its digest in its notes. */
static bool is_own_file(const struct publish_planning *p, unsigned part, const char *name)
{
	bool vm = part == PUBLISH_VM, own = false;

	for (size_t i = 0; i < p->s->copies.n && !own; i++) {
		const struct publish_notes *n = &p->s->copies.at[i].published;
		own = publish_notes_is_file_of(name, vm ? ".qcow2" : ".tar.zst", vm ? n->sha256 : n->ct);
	}
	return own;
}

/* The number of newer files of ours of other versions. */
static long newer_files(const struct publish_planning *p, const struct publish_volume *v, const char *own)
{
	const struct publish_volumes *volumes = &p->s->vztmpl;
	long n = 0;

	for (size_t i = 0; i < volumes->n; i++) {
		const struct publish_volume *other = &volumes->at[i];
		if (strcmp(other->name, own) != 0 && is_own_file(p, PUBLISH_CT, other->name) &&
		    (other->ctime > v->ctime || (other->ctime == v->ctime && strcmp(other->name, v->name) > 0)))
			n++;
	}
	return n;
}

static void plan_retain_files(struct publish_planning *p)
{
	const char *own = p->o->image->ct.volume;

	for (size_t i = 0; p->o->retain && p->o->may_discard & PUBLISH_CT && i < p->s->vztmpl.n; i++) {
		const struct publish_volume *v = &p->s->vztmpl.at[i];
		if (strcmp(v->name, own) != 0 && is_own_file(p, PUBLISH_CT, v->name) &&
		    newer_files(p, v, own) >= p->o->retain - 1)
			push_file(p, PUBLISH_DISCARD, PUBLISH_CT, v->name, "older than --retain");
	}
}

/* An upload is no longer needed once a template was made of it. Another publisher may be using those of
 * other versions. */
static void plan_discard_imports(struct publish_planning *p)
{
	const char *own = p->o->image->vm.volume;

	if (!(p->o->may_discard & PUBLISH_VM) || p->o->keep_import)
		return;
	for (size_t i = 0; i < p->s->import.n; i++) {
		const struct publish_volume *v = &p->s->import.at[i];
		if (!strcmp(v->name, own))
			push_file(p, PUBLISH_DISCARD, PUBLISH_VM, v->name, "the template has its own copy");
		else if (p->o->retain && is_own_file(p, PUBLISH_VM, v->name) && v->ctime + PUBLISH_STALE < p->o->now)
			push_file(p, PUBLISH_DISCARD, PUBLISH_VM, v->name,
				  "an upload of another version, no longer needed");
	}
}

/* ---- the VM's copies ---- */

/* The order's unfinished copy with the lowest VMID above `above`; NULL = none. */
static const struct publish_copy *next_unfinished(const struct publish_planning *p, long above)
{
	for (size_t i = 0; i < p->s->copies.n; i++) {
		const struct publish_copy *c = &p->s->copies.at[i];
		if (c->vmid > above && is_this(p->o, p->m, c) && !is_finished(c))
			return c;
	}
	return NULL;
}

/* The unfinished copy to finish; NULL = none. *ret_wait: not decided yet; a pause is planned. */
static const struct publish_copy *choose_unfinished(struct publish_planning *p, bool *ret_wait)
{
	const struct publish_copy *lowest = next_unfinished(p, 0), *higher;
	long own = p->m->own;

	*ret_wait = false;
	if (!lowest || !own || lowest->vmid > own)
		return lowest;
	if (lowest->vmid < own) {
		push(p, PUBLISH_REMOVE, own, "another publisher came first");
		return lowest;
	}
	higher = next_unfinished(p, own);
	if (!higher)
		return lowest;
	*ret_wait = p->m->pauses < PUBLISH_SETTLE;
	if (*ret_wait)
		push(p, PUBLISH_PAUSE, higher->vmid, "another publisher creates the same template");
	else
		push(p, PUBLISH_REMOVE, own, "another publisher's template continues");
	return *ret_wait ? NULL : higher;
}

/* Why an unfinished copy cannot become the template; NULL = it can. */
static const char *unusable(const struct publish_planning *p, const struct publish_copy *c)
{
	const struct publish_volume *source = publish_volumes_find(&p->s->import, p->o->image->vm.volume);

	if (strcmp(c->published.settings, p->settings) != 0)
		return "left unfinished, with other settings";
	if (vmid_list_has(&p->m->skipped, c->vmid))
		return "a volume that an earlier template of its VMID left is in the way";
	/* The source is checked until the copy is a template. */
	if (!c->template && source && source->ctime != c->published.source)
		return "the upload was replaced while its disk was made";
	return NULL;
}

static void plan_finish(struct publish_planning *p, const struct publish_copy *c)
{
	CLEANUP(free_p)
	char *tags = c ? publish_notes_tags(&c->published, p->o->node, &p->o->target->tags) : NULL;
	long vmid = c ? c->vmid : 0;

	if (c && c->locked) {
		push(p, PUBLISH_PAUSE, vmid, "it is locked");
		return;
	}
	if (!c || !pve_tags_has(c->tags, tags))
		push(p, PUBLISH_TAG, vmid, NULL);
	if (!c || !c->template)
		push(p, PUBLISH_CONVERT, vmid, NULL);
	push(p, PUBLISH_FINALIZE, vmid, NULL);
}

static void plan_copy(struct publish_planning *p)
{
	bool wait;
	const struct publish_copy *c = choose_unfinished(p, &wait);
	const char *why = c ? unusable(p, c) : NULL;

	if (wait)
		return;
	if (why) {
		push(p, PUBLISH_REMOVE, c->vmid, why);
		c = NULL;
	}
	if (!c) {
		plan_upload(p, PUBLISH_VM);
		push(p, PUBLISH_CREATE, 0, NULL);
	}
	plan_finish(p, c);
}

static bool is_other_version(const struct publish_planning *p, const struct publish_copy *c)
{
	return is_finished(c) && c->published.firmware == p->o->firmware && !same_image(p->o, c);
}

/* Beyond --retain: this order's image counts as the newest, whatever its date. */
static bool is_pruned(const struct publish_planning *p, const struct publish_copy *c)
{
	long newer = 0;

	if (!p->o->retain || !is_other_version(p, c))
		return false;
	for (size_t i = 0; i < p->s->copies.n; i++)
		if (is_other_version(p, &p->s->copies.at[i]) && is_newer(&p->s->copies.at[i], c))
			newer++;
	return newer >= p->o->retain - 1;
}

static bool is_stale(const struct publish_planning *p, const struct publish_copy *c)
{
	struct tm tm = { 0 };

	return !is_finished(c) && !same_image(p->o, c) && strptime(c->published.published, "%Y-%m-%dT%H:%M:%SZ", &tm) &&
	       timegm(&tm) + PUBLISH_STALE < p->o->now;
}

/* Why a copy is removed; NULL = it stays. ready: the finished copy; NULL = not finished yet. */
static const char *surplus(const struct publish_planning *p, const struct publish_copy *c,
			   const struct publish_copy *ready)
{
	if (ready && is_this(p->o, p->m, c) && !is_finished(c))
		return "left unfinished";
	/* A newer one has other settings: another target's result. */
	if (ready && is_this(p->o, p->m, c) && c != ready && is_newer(ready, c))
		return "a second copy";
	if (is_old(p->m, c->vmid))
		return "replaced";
	if (is_stale(p, c))
		return "left unfinished";
	return is_pruned(p, c) ? "older than --retain" : NULL;
}

static void plan_surplus(struct publish_planning *p, const struct publish_copy *ready)
{
	for (size_t i = 0; i < p->s->copies.n; i++) {
		const struct publish_copy *c = &p->s->copies.at[i];
		const char *why = listed(p->m->kept.at, p->m->kept.n, c->vmid) ? NULL : surplus(p, c, ready);
		if (why)
			push(p, PUBLISH_REMOVE, c->vmid, why);
	}
}

/* The copy that this run works on is not in the state. */
static bool is_missed(const struct publish_planning *p)
{
	for (size_t i = 0; i < p->s->copies.n; i++)
		if (p->s->copies.at[i].vmid == p->m->known)
			return false;
	return p->m->known != 0;
}

static void plan_vm(struct publish_planning *p)
{
	const struct publish_copy *ready = publish_plan_ready(p->o, p->s, p->m);

	if (is_missed(p)) {
		push(p, p->m->pauses < PUBLISH_UNSEEN ? PUBLISH_PAUSE : PUBLISH_FIND, p->m->known, "it does not show");
		return;
	}
	if (!ready)
		plan_copy(p);
	plan_surplus(p, ready);
	plan_discard_imports(p);
}

void publish_plan(const struct publish_order *o, const struct publish_state *s, const struct publish_memory *m,
		  struct publish_steps *ret)
{
	struct publish_planning p = { .o = o, .s = s, .m = m, .steps = ret };

	publish_settings(o, p.settings);
	for (size_t i = 0; i < s->tasks.n; i++)
		push_file(&p, PUBLISH_WAIT_TASK, 0, s->tasks.at[i], NULL);
	if (o->image->ct.path) {
		plan_upload(&p, PUBLISH_CT);
		plan_retain_files(&p);
	}
	if (o->image->vm.path)
		plan_vm(&p);
}

void publish_steps_done(struct publish_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		free(steps->at[i].name);
	vec_done(steps);
}
