/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_exec.h"
#include "builder/pve/pve_identity.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_tags.h"

#define SCSI_SLOTS 31   /* scsi0 to scsi30 */
#define GUESTS_MAX 1000 /* whose notes are read */

/* Tasks that must have ended before the cluster's state can be planned for. */
static const char *const awaited[] = { "qmclone",   "imgcopy",  "imgdel",  "resize", "qmconfig",  "qmstart", "qmstop",
				       "qmdestroy", "vzcreate", "vzstart", "vzstop", "vzdestroy", NULL };

const char *deploy_kind(enum pve_kind kind)
{
	return kind == PVE_LXC ? "lxc" : "qemu";
}

/* ---- one guest ---- */

/* "local:iso/nodekiln_lab_cp1_KEY.iso,media=cdrom" */
static bool is_seed(const char *drive, const struct deploy_notes *mark)
{
	CLEANUP(free_p) char *name = deploy_notes_volume(mark, ".iso");
	const char *slash = strchr(drive, '/');
	size_t n = strlen(name);

	return slash && !strncmp(slash + 1, name, n) && (!slash[n + 1] || slash[n + 1] == ',');
}

static bool is_cloudinit(const char *drive)
{
	return strstr(drive, "-cloudinit") && strstr(drive, "media=cdrom");
}

static void read_slots(const struct json *config, struct deploy_guest *g)
{
	for (int i = 0; i < SCSI_SLOTS; i++) {
		char slot[DEPLOY_SLOT];
		snprintf(slot, sizeof slot, "scsi%d", i);
		const char *drive = json_get_string(config, slot);
		/* A drive whose disc was ejected is free for the next one. */
		bool empty = !drive || text_starts(drive, "none,");
		if (empty && !*g->free)
			memcpy(g->free, slot, sizeof slot);
		else if (drive && is_seed(drive, &g->mark))
			memcpy(g->seed, slot, sizeof slot);
		else if (drive && is_cloudinit(drive))
			memcpy(g->cloudinit, slot, sizeof slot);
	}
}

static enum deploy_claim claim_of(const struct deploy_guest *g, bool line, const struct seed_made *made)
{
	bool good = line && g->mark.good && g->mark.kind == g->kind;

	if (!made)
		return good ? DEPLOY_UNRECORDED : DEPLOY_STRANGER;
	if (!made->identity)
		return good && !strcmp(made->node, g->mark.node) ? DEPLOY_OURS : DEPLOY_STRANGER;
	if (!text_same(made->identity, g->identity))
		return DEPLOY_STRANGER;
	return good && !strcmp(made->node, g->mark.node) ? DEPLOY_OURS : DEPLOY_LOST;
}

/* A line about this guest, in this cluster, and not on a template. */
static bool has_line(const struct json *config, const struct deploy_search *s, struct deploy_guest *g)
{
	int64_t template = 0;
	bool is = deploy_notes_parse(json_get_string(config, "description"), s->secret ? s->secret->notes_key : NULL,
				     &g->mark);

	if (is && g->mark.vmid == g->vmid && !strcmp(g->mark.cluster, s->cluster) &&
	    !(pve_get_int(config, "template", &template) && template))
		return true;
	deploy_notes_done(&g->mark);
	return false;
}

static void read_config(const struct json *config, struct deploy_guest *g)
{
	g->tags = json_dup_string(config, "tags");
	g->notes = json_dup_string(config, "description");
	g->disk = json_dup_string(config, "scsi0");
	g->locked = json_get_string(config, "lock") != NULL;
	node_record_parse(NULL, g->notes, &g->record);
	if (g->record.vmid != g->vmid) {
		node_record_done(&g->record);
		g->record = (struct node_record){ .role = -1 };
	}
	read_slots(config, g);
}

bool deploy_guest_parse(const struct json *config, enum pve_kind kind, long vmid, const struct deploy_search *s,
			struct deploy_guest *ret)
{
	CLEANUP(deploy_guest_done)
	struct deploy_guest g = { .vmid = vmid, .kind = kind, .identity = pve_identity(config, kind) };
	const struct seed_made *made = s->secret ? seed_secrets_made(s->secret, vmid) : NULL;
	bool line = has_line(config, s, &g);

	g.claim = claim_of(&g, line, made);
	if (!line && g.claim != DEPLOY_LOST)
		return false;
	if (!line)
		g.mark = (struct deploy_notes){
			.cluster = xstrdup(s->cluster), .node = xstrdup(made->node), .vmid = vmid, .kind = kind
		};
	read_config(config, &g);
	*ret = TAKE(g);
	return true;
}

const struct deploy_guest *deploy_state_first(const struct deploy_state *s, enum deploy_claim claim)
{
	for (size_t i = 0; i < s->guests.n; i++)
		if (s->guests.at[i].claim == claim)
			return &s->guests.at[i];
	return NULL;
}

/* ---- the lists ---- */

static bool is_candidate(const struct deploy_search *s, const struct json *entry)
{
	const char *name = json_get_string(entry, "name"), *tags = json_get_string(entry, "tags");
	CLEANUP(free_p) char *tag = xasprintf(DEPLOY_NOTES_TAG "%s", s->cluster);
	int64_t vmid = 0;

	return (name && strings_has(s->names, name)) || pve_tags_has(tags, tag) ||
	       (s->secret && pve_get_int(entry, "vmid", &vmid) && seed_secrets_made(s->secret, (long)vmid));
}

static int read_guest(struct pve *pve, const struct deploy_search *s, const char *pve_node, enum pve_kind kind,
		      const struct json *entry, struct deploy_state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct deploy_guest found;
	int64_t vmid;

	if (!pve_get_int(entry, "vmid", &vmid))
		return 0;
	struct pve_guest guest = pve_exec_guest(pve_node, kind, (long)vmid);
	if (pve_get_config_retry(pve, &guest, &config, err) < 0)
		return pve_is_gone(pve_failure(pve)) ? 0 : -1;
	vec_push(&ret->seen, guest.vmid);
	if (!deploy_guest_parse(config, kind, guest.vmid, s, &found))
		return 0;
	found.pve_node = xstrdup(pve_node);
	found.running = text_same(json_get_string(entry, "status"), "running");
	vec_push(&ret->guests, found);
	return 0;
}

static int read_guests(struct pve *pve, const struct deploy_search *s, const char *pve_node, enum pve_kind kind,
		       struct deploy_state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/%s", pve_node, deploy_kind(kind));
	size_t read = 0;

	if (pve_get_retry(pve, path, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list) && read < GUESTS_MAX; i++) {
		if (!is_candidate(s, json_at(list, i)))
			continue;
		read++;
		if (read_guest(pve, s, pve_node, kind, json_at(list, i), ret, err) < 0)
			return -1;
	}
	return 0;
}

static int read_volumes(struct pve *pve, const struct deploy_search *s, const char *pve_node, const char *storage,
			const char *content, struct deploy_state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage/%s/content", pve_node, storage);

	if (pve_get_retry(pve, path, (const struct pve_param[]){ { "content", content }, { NULL, NULL } }, &list, err) <
	    0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		const char *volid = json_get_string(json_at(list, i), "volid");
		const char *slash = volid ? strrchr(volid, '/') : NULL;
		struct deploy_volume v = { 0 };
		int64_t size = 0;
		if (!slash || !deploy_notes_parse_volume(slash + 1, &v.mark))
			continue;
		if (strcmp(v.mark.cluster, s->cluster) != 0) {
			deploy_notes_done(&v.mark);
			continue;
		}
		v.pve_node = xstrdup(pve_node);
		v.volid = xstrdup(volid);
		v.size = pve_get_int(json_at(list, i), "size", &size) && size > 0 ? (uint64_t)size : 0;
		vec_push(&ret->volumes, v);
	}
	return 0;
}

/* Reads the tasks first, so that the results of one that ends meanwhile are seen below. */
static int read_pve_node(struct pve *pve, const struct deploy_search *s, const char *pve_node, struct deploy_state *ret,
			 struct error *err)
{
	const struct target_storages *storages = target_storages_on(s->target, pve_node);

	if (pve_get_tasks_retry(pve, pve_node, s->target->token_id, awaited, &ret->tasks, err) < 0 ||
	    read_guests(pve, s, pve_node, PVE_QEMU, ret, err) < 0 ||
	    read_guests(pve, s, pve_node, PVE_LXC, ret, err) < 0)
		return -1;
	if (read_volumes(pve, s, pve_node, storages->seeds, "iso", ret, err) < 0)
		return -1;
	return read_volumes(pve, s, pve_node, storages->vztmpl, "vztmpl", ret, err);
}

static int read_tokens(struct pve *pve, const struct deploy_search *s, struct deploy_state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/access/users/%s/token", s->target->agent_user);

	if (pve_get_retry(pve, path, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_get_string(json_at(list, i), "tokenid");
		struct deploy_token t = { 0 };
		if (!name || !deploy_notes_parse_token(name, &t.mark))
			continue;
		if (strcmp(t.mark.cluster, s->cluster) != 0) {
			deploy_notes_done(&t.mark);
			continue;
		}
		t.name = xstrdup(name);
		if (!pve_get_int(json_at(list, i), "expire", &t.expire))
			t.expire = 0;
		vec_push(&ret->tokens, t);
	}
	return 0;
}

static int by_vmid(const void *a, const void *b)
{
	const struct deploy_guest *x = a, *y = b;

	return (x->vmid > y->vmid) - (x->vmid < y->vmid);
}

/* What was made and does not show has gone, or the token cannot see it any more: PVE itself knows. */
static int find_hidden(struct pve *pve, const struct seed_secret *secret, struct deploy_state *state, struct error *err)
{
	for (size_t i = 0; secret && i < secret->made.n; i++) {
		long vmid = secret->made.at[i].vmid;
		int rc = vmid_list_has(&state->seen, vmid) ? 0 : vmid_exists(pve, vmid, err);
		if (rc < 0)
			return -1;
		if (rc)
			vec_push(&state->hidden, vmid);
	}
	return 0;
}

int deploy_state_read(struct pve *pve, const struct deploy_search *search, struct deploy_state *ret, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };

	for (size_t i = 0; i < search->target->nodes.n; i++)
		if (read_pve_node(pve, search, search->target->nodes.at[i].name, &state, err) < 0)
			return -1;
	if (read_tokens(pve, search, &state, err) < 0 || find_hidden(pve, search->secret, &state, err) < 0)
		return -1;
	if (state.guests.n)
		qsort(state.guests.at, state.guests.n, sizeof *state.guests.at, by_vmid);
	*ret = TAKE(state);
	return 0;
}

void deploy_guest_done(struct deploy_guest *g)
{
	deploy_notes_done(&g->mark);
	node_record_done(&g->record);
	free(g->pve_node);
	free(g->identity);
	free(g->tags);
	free(g->notes);
	free(g->disk);
}

void deploy_volume_done(struct deploy_volume *v)
{
	deploy_notes_done(&v->mark);
	free(v->pve_node);
	free(v->volid);
}

void deploy_token_done(struct deploy_token *t)
{
	deploy_notes_done(&t->mark);
	free(t->name);
}

void deploy_state_done(struct deploy_state *s)
{
	for (size_t i = 0; i < s->guests.n; i++)
		deploy_guest_done(&s->guests.at[i]);
	for (size_t i = 0; i < s->volumes.n; i++)
		deploy_volume_done(&s->volumes.at[i]);
	for (size_t i = 0; i < s->tokens.n; i++)
		deploy_token_done(&s->tokens.at[i]);
	vec_done(&s->guests);
	vec_done(&s->volumes);
	vec_done(&s->tokens);
	vec_done(&s->seen);
	vec_done(&s->hidden);
	strings_done(&s->tasks);
}
