/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/publish/publish_notes.h"
#include "builder/pve/pve_exec.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_tags.h"

#define WHY_MAX 3 /* templates that do not count and are named in a message */

/* How a template is what the user wants. */
enum match { MATCH_NONE, MATCH_IMAGE, MATCH_NAME, MATCH_VMID };

struct candidate {
	enum match match;
	char *image; /* owned */
	struct deploy_template t;
};

struct choice {
	const struct target *target; /* borrowed, as all */
	const char *pve_node;
	const char *wanted; /* NULL = any image */
	const char *sha256; /* NULL = not named */
	VEC(struct candidate) all;
	struct strings why; /* of those that do not count */
};

static void choice_done(struct choice *c)
{
	for (size_t i = 0; i < c->all.n; i++) {
		free(c->all.at[i].image);
		deploy_template_done(&c->all.at[i].t);
	}
	vec_done(&c->all);
	strings_done(&c->why);
}

/* ---- one template ---- */

static enum match match_of(const struct choice *c, long vmid, const char *name, const struct publish_notes *p)
{
	char number[24];

	snprintf(number, sizeof number, "%ld", vmid);
	if (c->wanted && !strcmp(number, c->wanted))
		return MATCH_VMID;
	if (c->wanted && text_same(name, c->wanted))
		return MATCH_NAME;
	return p && (!c->wanted || !strcmp(p->image, c->wanted)) ? MATCH_IMAGE : MATCH_NONE;
}

/* *ret: the guest is in the target's pool, as far as the token may see it. */
static int is_in_pool(struct pve *pve, const struct choice *c, long vmid, bool *ret, struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	*ret = false;
	if (pve_list_guests(pve, &guests, err) < 0)
		return -1;
	for (size_t i = 0; i < guests.n; i++)
		*ret = *ret || (guests.at[i].vmid == vmid && text_same(guests.at[i].pool, c->target->pool));
	return 0;
}

/* Why a template does not count, whatever proves its notes; NULL = it may. */
static const char *wrong_place(const struct choice *c, long vmid, const struct json *config,
			       const struct publish_notes *p)
{
	const struct target *t = c->target;

	if (!pve_tags_has(json_get_string(config, "tags"), PUBLISH_NOTES_TAG))
		return "it has no tag " PUBLISH_NOTES_TAG;
	if (t->vmid_from && (vmid < t->vmid_from || vmid > t->vmid_to))
		return "its VMID is outside of the target's `vmids`";
	if (!p || p->vmid != vmid)
		return "its notes do not say that `nodekiln publish` made it";
	if (!p->ready)
		return "it is unfinished";
	return c->sha256 && strcmp(c->sha256, p->sha256) != 0 ? "its image is not `template_sha256`" : NULL;
}

/* What is not signed needs all that the user can say, and may not be chosen by what its notes say. *ret: as
 * wrong_place(). */
static int check_unsigned(struct pve *pve, const struct choice *c, long vmid, enum match match, const char **ret,
			  struct error *err)
{
	bool in_pool = false;

	*ret = "its notes are not signed with the target's key; publish the image again, or name its VMID (`template`) "
	       "and "
	       "the digest of its image (`template_sha256`)";
	if (match != MATCH_VMID || !c->sha256)
		return 0;
	if (is_in_pool(pve, c, vmid, &in_pool, err) < 0)
		return -1;
	*ret = in_pool ? NULL
		       : "its notes are not signed, and the token does not see that it is in the target's pool "
			 "(Pool.Audit on the pool)";
	return 0;
}

static void add(struct choice *c, enum match match, long vmid, const char *name, const struct publish_notes *p,
		bool good)
{
	struct candidate found = {
		.match = match,
		.image = xstrdup(p->image),
		.t = { .vmid = vmid,
		       .name = xstrdup(name ? name : ""),
		       .published = xstrdup(p->published),
		       .good = good },
	};

	memcpy(found.t.sha256, p->sha256, SHA256_HEX);
	vec_push(&c->all, found);
}

static int consider(struct pve *pve, struct choice *c, long vmid, const struct json *config, struct error *err)
{
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 };
	const char *name = json_get_string(config, "name");
	int64_t template = 0;
	bool said = publish_notes_parse(json_get_string(config, "description"), c->target->notes_key, &p);
	enum match match = match_of(c, vmid, name, said ? &p : NULL);

	if (match == MATCH_NONE || !pve_get_int(config, "template", &template) || !template)
		return 0;
	const char *why = wrong_place(c, vmid, config, said ? &p : NULL);
	bool good = said && publish_notes_prove(&p, vmid, c->pve_node, config);
	if (!why && good && !text_same(p.pool, c->target->pool))
		why = "it was not published into the target's pool";
	if (!why && !good && check_unsigned(pve, c, vmid, match, &why, err) < 0)
		return -1;
	if (why)
		strings_addf(&c->why, "VM %ld does not count: %s", vmid, why);
	else
		add(c, match, vmid, name, &p, good);
	return 0;
}

/* ---- all of a node ---- */

static int read_template(struct pve *pve, struct choice *c, long vmid, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(c->pve_node, PVE_QEMU, vmid);

	if (pve_get_config_retry(pve, &guest, &config, err) < 0)
		return pve_is_gone(pve_failure(pve)) ? 0 : -1;
	return consider(pve, c, vmid, config, err);
}

/* What has our tag, or is what the user names: the message says why that does not count. */
static bool is_candidate(const struct choice *c, const struct json *entry, long vmid)
{
	return pve_tags_has(json_get_string(entry, "tags"), PUBLISH_NOTES_TAG) ||
	       match_of(c, vmid, json_get_string(entry, "name"), NULL) != MATCH_NONE;
}

static int read_templates(struct pve *pve, struct choice *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu", c->pve_node);

	if (pve_get_retry(pve, path, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		int64_t vmid, template;
		const struct json *entry = json_at(list, i);
		if (pve_get_int(entry, "template", &template) && template && pve_get_int(entry, "vmid", &vmid) &&
		    is_candidate(c, entry, (long)vmid) && read_template(pve, c, (long)vmid, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the choice ---- */

static int refuse_two(const struct choice *c, const struct candidate *a, const struct candidate *b, struct error *err)
{
	CLEANUP(text_done) struct text words = { 0 };

	deploy_template_text(&a->t, &words);
	text_add(&words, "; ");
	deploy_template_text(&b->t, &words);
	return error_set(err, ERROR_TARGET,
			 "node %s has more than one template %s%s(%s): name one by its VMID (`template`)", c->pve_node,
			 c->wanted ? c->wanted : "", c->wanted ? " " : "", words.data);
}

static int refuse_none(const struct choice *c, struct error *err)
{
	CLEANUP(text_done) struct text words = { 0 };

	for (size_t i = 0; i < c->why.n && i < WHY_MAX; i++)
		text_addf(&words, "; %s", c->why.at[i]);
	return error_set(
		err, ERROR_TARGET,
		"node %s has no template %s%sthat the token may see and that counts%s; `nodekiln publish` makes one",
		c->pve_node, c->wanted ? c->wanted : "", c->wanted ? " " : "", words.len ? words.data : "");
}

/* Two of one image are two versions of it, unless they are of one moment. RFC 3339 dates sort as text. */
static bool is_ambiguous(const struct candidate *a, const struct candidate *b)
{
	return a->match != MATCH_IMAGE || b->match != MATCH_IMAGE || strcmp(a->image, b->image) != 0 ||
	       !strcmp(a->t.published, b->t.published);
}

static int choose(struct choice *c, struct deploy_template *ret, struct error *err)
{
	struct candidate *best = NULL;

	for (size_t i = 0; i < c->all.n; i++)
		if (!best || strcmp(c->all.at[i].t.published, best->t.published) > 0)
			best = &c->all.at[i];
	if (!best)
		return refuse_none(c, err);
	for (size_t i = 0; i < c->all.n; i++)
		if (&c->all.at[i] != best && is_ambiguous(best, &c->all.at[i]))
			return refuse_two(c, best, &c->all.at[i], err);
	*ret = TAKE(best->t);
	return 0;
}

int deploy_template_find(struct pve *pve, const struct deploy_order *o, const struct cluster_node *n,
			 const char *pve_node, struct deploy_template *ret, struct error *err)
{
	CLEANUP(choice_done)
	struct choice c = {
		.target = &o->cluster->target,
		.pve_node = pve_node,
		.wanted = n->template ? n->template : o->cluster->template,
		.sha256 = n->template ? n->template_sha256 : o->cluster->template_sha256,
	};

	if (read_templates(pve, &c, err) < 0)
		return -1;
	return choose(&c, ret, err);
}

void deploy_template_text(const struct deploy_template *t, struct text *ret)
{
	text_addf(ret, "VM %ld %s, sha256 %s, %s%s", t->vmid, t->name, t->sha256, t->good ? "published " : "not signed",
		  t->good ? t->published : "");
}

void deploy_template_done(struct deploy_template *t)
{
	free(t->name);
	free(t->published);
	*t = (struct deploy_template){ 0 };
}
