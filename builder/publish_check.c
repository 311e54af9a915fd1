/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/publish_get.h"
#include "builder/roles.h"

#define TEMPLATE_RIGHTS                                                                                                \
	"VM.Allocate VM.Audit VM.Config.CPU VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network "       \
	"VM.Config.Options"
#define VAR_TMP_WORTH (1ull << 30) /* bytes from which on an upload's temporary copy is worth a warning unseen */

PRINTF(3, 4) static void miss(struct publish_check *c, bool space, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strings_own(&c->missing, xvasprintf(fmt, ap));
	va_end(ap);
	c->space_only = space && (c->space_only || c->missing.n == 1);
}

static unsigned parts_of(const struct publish_order *o)
{
	return (o->image->vm.path ? PUBLISH_VM : 0) | (o->image->ct.path ? PUBLISH_CT : 0);
}

/* ---- version ---- */

const char *publish_check_version(const char *version, unsigned parts)
{
	int major = 0, minor = 0;

	if (!version || sscanf(version, "%d.%d", &major, &minor) < 1)
		return "it does not say its version; is this a Proxmox VE API?";
	if (major < 8)
		return "Proxmox VE 8 or later is needed";
	if (major == 8 && minor < 4 && parts & PUBLISH_VM)
		return "qcow2 images can be uploaded from Proxmox VE 8.4 on; upgrade it, or publish with --only ct";
	return NULL;
}

static int check_version(struct pve *pve, const struct publish_order *o, struct publish_check *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (publish_get(pve, "/version", NULL, &data, err) < 0)
		return -1;
	const char *version = json_get_string(data, "version"), *lack = publish_check_version(version, parts_of(o));
	if (lack)
		miss(c, false, "%s is Proxmox VE %s: %s", o->target->url, version ? version : "?", lack);
	return 0;
}

/* ---- rights ---- */

void publish_check_lacking(const struct json *permissions, const char *path, const char *needed, struct text *ret)
{
	CLEANUP(free_p) char *words = xstrdup(needed);
	const struct json *held = json_get(permissions, path);
	char *rest = NULL;

	/* Whatever the value: 0 means held here, but not below. */
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!json_get(held, word))
			text_addf(ret, "%s%s", ret->len ? ", " : "", word);
}

static int lacking(struct pve *pve, const char *path, const char *needed, struct text *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (publish_get(pve, "/access/permissions", (const struct pve_param[]){ { "path", path }, { NULL, NULL } },
			&data, err) < 0)
		return -1;
	publish_check_lacking(data, path, needed, ret);
	return 0;
}

static int check_rights(struct pve *pve, const struct publish_order *o, const char *path, const char *needed,
			enum role_place place, struct publish_check *c, struct error *err)
{
	CLEANUP(text_done) struct text lack = { 0 };
	CLEANUP(free_p) char *grant = role_grant(o->target, path, role_of_place(place));

	if (lacking(pve, path, needed, &lack, err) < 0)
		return -1;
	if (lack.len)
		miss(c, false,
		     "the token %s lacks %s on %s; as root on a node: %s (`nodekiln roles %s` prints the role)",
		     o->target->token_id, lack.data, path, grant, o->target->file);
	return 0;
}

static int check_storage_rights(struct pve *pve, const struct publish_order *o, const char *storage,
				enum role_place place, struct publish_check *c, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);

	return check_rights(pve, o, path, role_of_place(place)->privileges, place, c, err);
}

/* Deleting uploads is a right of its own that many will not give: then they stay. */
static int look_at_discard(struct pve *pve, const char *storage, unsigned part, struct publish_check *c,
			   struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);
	CLEANUP(text_done) struct text lack = { 0 };

	if (lacking(pve, path, "Datastore.Allocate", &lack, err) < 0)
		return -1;
	c->may_discard |= lack.len ? 0 : part;
	return 0;
}

static int check_vm_rights(struct pve *pve, const struct publish_order *o, struct publish_check *c, struct error *err)
{
	const struct target *t = o->target;
	CLEANUP(free_p) char *guests = role_guest_path(t);
	CLEANUP(free_p) char *bridge = target_bridge_path(t);

	if (check_storage_rights(pve, o, t->import, ROLE_UPLOADS, c, err) < 0)
		return -1;
	if (strcmp(t->disks, t->import) != 0 && check_storage_rights(pve, o, t->disks, ROLE_DISKS, c, err) < 0)
		return -1;
	if (check_rights(pve, o, guests, TEMPLATE_RIGHTS, ROLE_POOL, c, err) < 0 ||
	    check_rights(pve, o, bridge, "SDN.Use", ROLE_BRIDGE, c, err) < 0)
		return -1;
	return look_at_discard(pve, t->import, PUBLISH_VM, c, err);
}

static int check_ct_rights(struct pve *pve, const struct publish_order *o, bool seen, struct publish_check *c,
			   struct error *err)
{
	const struct target *t = o->target;

	if (!(seen && !strcmp(t->vztmpl, t->import)) &&
	    check_storage_rights(pve, o, t->vztmpl, ROLE_UPLOADS, c, err) < 0)
		return -1;
	return look_at_discard(pve, t->vztmpl, PUBLISH_CT, c, err);
}

int publish_check_token(struct pve *pve, const struct publish_order *o, struct publish_check *c, struct error *err)
{
	unsigned parts = parts_of(o);

	if (check_version(pve, o, c, err) < 0)
		return -1;
	if (parts & PUBLISH_VM && check_vm_rights(pve, o, c, err) < 0)
		return -1;
	return parts & PUBLISH_CT ? check_ct_rights(pve, o, parts & PUBLISH_VM, c, err) : 0;
}

/* ---- a node ---- */

/* 1 = there and on. */
static int check_online(struct pve *pve, const struct publish_order *o, struct publish_check *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(text_done) struct text names = { 0 };

	if (publish_get(pve, "/nodes", NULL, &data, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(data); i++) {
		const char *name = json_get_string(json_at(data, i), "node");
		const char *status = json_get_string(json_at(data, i), "status");
		if (text_same(name, o->node)) {
			if (!text_same(status, "offline"))
				return 1;
			miss(c, false, "node %s is offline; start it, or take it out of `nodes` in %s", o->node,
			     o->target->file);
			return 0;
		}
		text_addf(&names, "%s%s", names.len ? ", " : "", name ? name : "?");
	}
	miss(c, false, "there is no node %s; there are: %s; correct `nodes` in %s", o->node,
	     names.data ? names.data : "none", o->target->file);
	return 0;
}

static const struct json *find_storage(const struct json *storages, const char *name)
{
	for (size_t i = 0; i < json_count(storages); i++)
		if (text_same(json_get_string(json_at(storages, i), "storage"), name))
			return json_at(storages, i);
	return NULL;
}

static bool is_set(const struct json *object, const char *key)
{
	int64_t n = 0;

	return pve_get_int(object, key, &n) && n;
}

/* "iso,vztmpl" has "vztmpl". */
static bool has_content(const char *list, const char *content)
{
	size_t n = strlen(content);

	for (; list && *list; list += strcspn(list, ",") + (list[strcspn(list, ",")] == ','))
		if (strcspn(list, ",") == n && !strncmp(list, content, n))
			return true;
	return false;
}

struct storage_use {
	const char *storage, *content;
	uint64_t bytes; /* that will be written; 0 = none */
};

static void check_room(const struct publish_order *o, const struct json *storage, const struct storage_use *use,
		       struct publish_check *c)
{
	int64_t avail = 0;

	if (use->bytes && pve_get_int(storage, "avail", &avail) && (uint64_t)avail < use->bytes)
		miss(c, true, "storage %s on %s has %s free, %s are needed; free some, or name another storage in %s",
		     use->storage, o->node, text_bytes((unsigned long long)avail), text_bytes(use->bytes),
		     o->target->file);
}

static void check_storage(const struct publish_order *o, const struct json *storages, const struct storage_use *use,
			  struct publish_check *c)
{
	const struct json *s = find_storage(storages, use->storage);
	const char *content = json_get_string(s, "content");

	if (!s) {
		miss(c, false,
		     "the token sees no storage %s on node %s; correct `storages` in %s, or give it its rights there",
		     use->storage, o->node, o->target->file);
	} else if (!is_set(s, "enabled") || !is_set(s, "active")) {
		miss(c, false, "storage %s is %s on node %s; see Datacenter > Storage > %s", use->storage,
		     is_set(s, "enabled") ? "not active" : "disabled", o->node, use->storage);
	} else if (!has_content(content, use->content)) {
		miss(c, false,
		     "storage %s does not take '%s'; as root on a node: pvesm set %s --content %s%s%s (or Datacenter > "
		     "Storage > %s > Content)",
		     use->storage, use->content, use->storage, content ? content : "", content && *content ? "," : "",
		     use->content, use->storage);
	}
	if (s)
		check_room(o, s, use, c);
	if (strcmp(use->content, "images") != 0 && is_set(s, "shared"))
		c->shared = true;
}

/* Whether a plan has such a step; without a plan it may. */
static bool has_step(const struct publish_steps *steps, enum publish_act act, unsigned part)
{
	for (size_t i = 0; steps && i < steps->n; i++)
		if (steps->at[i].act == act && (!part || steps->at[i].part == part))
			return true;
	return !steps;
}

/* One storage may serve for two things: then it needs room for both. */
static void add_up(struct storage_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (uses[k].bytes && !strcmp(uses[i].storage, uses[k].storage)) {
				uses[k].bytes += uses[i].bytes;
				uses[i].bytes = 0;
			}
}

static void check_storages(const struct publish_order *o, const struct json *storages,
			   const struct publish_steps *steps, struct publish_check *c)
{
	const struct target *t = o->target;
	struct storage_use uses[3];
	size_t n = 0;

	if (o->image->vm.path) {
		uint64_t upload = has_step(steps, PUBLISH_UPLOAD, PUBLISH_VM) ? o->image->vm.size : 0;
		uint64_t disk = has_step(steps, PUBLISH_CREATE, 0) ? o->image->stored : 0;
		uses[n++] = (struct storage_use){ t->import, "import", upload };
		uses[n++] = (struct storage_use){ t->disks, "images", disk };
	}
	if (o->image->ct.path) {
		uint64_t upload = has_step(steps, PUBLISH_UPLOAD, PUBLISH_CT) ? o->image->ct.size : 0;
		uses[n++] = (struct storage_use){ t->vztmpl, "vztmpl", upload };
	}
	add_up(uses, n);
	for (size_t i = 0; i < n; i++)
		check_storage(o, storages, &uses[i], c);
}

static uint64_t largest_upload(const struct publish_order *o, const struct publish_steps *steps)
{
	uint64_t vm = has_step(steps, PUBLISH_UPLOAD, PUBLISH_VM) ? o->image->vm.size : 0;
	uint64_t ct = has_step(steps, PUBLISH_UPLOAD, PUBLISH_CT) ? o->image->ct.size : 0;

	return vm > ct ? vm : ct;
}

/* PVE puts what is sent into the node's /var/tmp first, whatever the storage. Only a token with Sys.Audit sees how much is free. */
static int check_var_tmp(struct pve *pve, const struct publish_order *o, const struct publish_steps *steps,
			 struct publish_check *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/status", o->node);
	uint64_t need = largest_upload(o, steps);
	int64_t avail = 0;

	if (!need)
		return 0;
	if (publish_get(pve, path, NULL, &data, err) < 0) {
		if (pve_failure(pve) != PVE_FORBIDDEN)
			return -1;
		if (need >= VAR_TMP_WORTH)
			strings_addf(&c->warnings,
				     "node %s keeps an upload in its /var/tmp first and needs %s free there, which the "
				     "token "
				     "may not see (Sys.Audit on /nodes/%s)",
				     o->node, text_bytes(need), o->node);
	} else if (pve_get_int(json_get(data, "rootfs"), "avail", &avail) && (uint64_t)avail < need) {
		strings_addf(
			&c->warnings,
			"node %s has %s free on its root file system; an upload needs %s in /var/tmp, unless that is "
			"another file system",
			o->node, text_bytes((unsigned long long)avail), text_bytes(need));
	}
	return 0;
}

int publish_check_node(struct pve *pve, const struct publish_order *o, const struct publish_steps *steps,
		       struct publish_check *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *storages = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage", o->node);
	int there = check_online(pve, o, c, err);

	if (there <= 0)
		return there;
	if (publish_get(pve, path, NULL, &storages, err) < 0)
		return -1;
	check_storages(o, storages, steps, c);
	return check_var_tmp(pve, o, steps, c, err);
}

void publish_check_done(struct publish_check *c)
{
	strings_done(&c->missing);
	strings_done(&c->warnings);
	*c = (struct publish_check){ 0 };
}
