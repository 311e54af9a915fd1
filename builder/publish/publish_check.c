/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_check.h"

#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_retry.h"

#define TEMPLATE_RIGHTS                                                                                                \
	"VM.Allocate VM.Audit VM.Config.CPU VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network "       \
	"VM.Config.Options"
#define VAR_TMP_WORTH (1ull << 30) /* bytes; uploads from this size get a warning when free space is unknown */

/* ---- rights ---- */

static int check_upload(struct publish_check *c, struct publish_order *o, const char *storage, unsigned part,
			struct error *err)
{
	bool may = false;

	if (target_check_storage_rights(&c->of, storage, role_of_place(ROLE_UPLOADS), err) < 0 ||
	    target_check_discard(&c->of, storage, &may, err) < 0)
		return -1;
	o->may_discard |= may ? part : 0;
	return 0;
}

static int check_vm_rights(struct publish_check *c, struct publish_order *o, struct error *err)
{
	CLEANUP(free_p) char *guests = role_guest_path(o->target);
	CLEANUP(free_p) char *bridge = target_bridge_path(o->target);

	if (check_upload(c, o, o->storages->import, PUBLISH_VM, err) < 0 ||
	    target_check_storage_rights(&c->of, o->storages->disks, role_of_place(ROLE_DISKS), err) < 0)
		return -1;
	if (target_check_rights(&c->of, guests, TEMPLATE_RIGHTS, role_of_place(ROLE_GUESTS), err) < 0)
		return -1;
	return target_check_rights(&c->of, bridge, "SDN.Use", role_of_place(ROLE_BRIDGE), err);
}

int publish_check_rights(struct publish_check *c, struct publish_order *o, struct error *err)
{
	if (o->image->vm.path && check_vm_rights(c, o, err) < 0)
		return -1;
	return o->image->ct.path ? check_upload(c, o, o->storages->vztmpl, PUBLISH_CT, err) : 0;
}

/* ---- free space ---- */

struct storage_use {
	const char *storage, *content;
	uint64_t bytes; /* that will be written; 0 = none */
};

static void miss_space(struct publish_check *c, const struct publish_order *o, const struct storage_use *use,
		       uint64_t avail, bool shared)
{
	CLEANUP(free_p) char *where = shared ? xstrdup("") : xasprintf(" on %s", o->node);
	size_t before = c->of.missing.n;

	target_check_miss(&c->of, "storage %s%s has %s free, %s are needed; free some, or name another storage in %s",
			  use->storage, where, text_bytes(avail), text_bytes(use->bytes), o->target->file);
	c->of.space += c->of.missing.n - before;
}

static void check_use(struct publish_check *c, const struct publish_order *o, const struct json *storages,
		      const struct storage_use *use)
{
	const struct json *s = target_check_storage(&c->of, o->node, storages, use->storage, use->content);
	int64_t avail = 0, n = 0;
	bool shared = s && pve_get_int(s, "shared", &n) && n;

	if (s && use->bytes && pve_get_int(s, "avail", &avail) && (uint64_t)avail < use->bytes)
		miss_space(c, o, use, (uint64_t)avail, shared);
	if (strcmp(use->content, "images") != 0 && shared)
		c->shared = true;
}

/* The plan has such a step. steps NULL: assume that it has. */
static bool has_step(const struct publish_steps *steps, enum publish_action act, unsigned part)
{
	for (size_t i = 0; steps && i < steps->n; i++)
		if (steps->at[i].act == act && (!part || steps->at[i].part == part))
			return true;
	return !steps;
}

/* A storage that is used for two things needs space for both. */
static void add_up(struct storage_use *uses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (uses[k].bytes && !strcmp(uses[i].storage, uses[k].storage)) {
				uses[k].bytes += uses[i].bytes;
				uses[i].bytes = 0;
			}
}

static void check_storages(struct publish_check *c, const struct publish_order *o, const struct json *storages,
			   const struct publish_steps *steps)
{
	const struct target_storages *t = o->storages;
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
		check_use(c, o, storages, &uses[i]);
}

static uint64_t largest_upload(const struct publish_order *o, const struct publish_steps *steps)
{
	uint64_t vm = has_step(steps, PUBLISH_UPLOAD, PUBLISH_VM) ? o->image->vm.size : 0;
	uint64_t ct = has_step(steps, PUBLISH_UPLOAD, PUBLISH_CT) ? o->image->ct.size : 0;

	return vm > ct ? vm : ct;
}

/* PVE first writes an upload to the node's /var/tmp, whatever the storage. Only a token with Sys.Audit
 * sees how much is free. */
static int check_var_tmp(struct publish_check *c, const struct publish_order *o, const struct publish_steps *steps,
			 struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/status", o->node);
	uint64_t need = largest_upload(o, steps);
	int64_t avail = 0;

	if (!need)
		return 0;
	if (pve_get_retry(c->of.pve, path, NULL, &data, err) < 0) {
		if (pve_failure(c->of.pve) != PVE_FORBIDDEN)
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

/* A template that is to be made needs a number. */
static int check_vmid(struct publish_check *c, const struct publish_order *o, const struct publish_steps *steps,
		      struct error *err)
{
	const struct vmid_list none = { 0 };
	struct error why = { 0 };
	long vmid;

	if (!has_step(steps, PUBLISH_CREATE, 0) || vmid_pick(c->of.pve, o->target, &none, &vmid, &why) == 0)
		return 0;
	if (why.class == ERROR_TARGET && (pve_failure(c->of.pve) == PVE_OK || pve_failure(c->of.pve) == PVE_REFUSED)) {
		CLEANUP(free_p) char *full = error_full(&why);
		target_check_miss(&c->of, "%s", full);
		return 0;
	}
	/* Busy or not reachable: the run itself asks again. */
	if (pve_may_pass(pve_failure(c->of.pve)))
		return 0;
	*err = why;
	return -1;
}

int publish_check_node(struct publish_check *c, const struct publish_order *o, const struct publish_steps *steps,
		       struct error *err)
{
	CLEANUP(json_free_p) struct json *storages = NULL;

	if (target_check_node(&c->of, o->node, &storages, err) < 0)
		return -1;
	if (!storages)
		return 0;
	check_storages(c, o, storages, steps);
	if (o->image->vm.path && (target_check_bridge(&c->of, o->node, err) < 0 || check_vmid(c, o, steps, err) < 0))
		return -1;
	return check_var_tmp(c, o, steps, err);
}

void publish_check_done(struct publish_check *c)
{
	target_check_done(&c->of);
	strings_done(&c->warnings);
	*c = (struct publish_check){ 0 };
}
