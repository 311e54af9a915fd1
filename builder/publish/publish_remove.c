/* SPDX-License-Identifier: Apache-2.0 */
/* Removes VMs and volumes that are no longer needed, but only our own, and never one in use. */
#include <stdio.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/publish/publish_exec.h"
#include "builder/pve/pve_retry.h"

#define BASE_MAX 32 /* "base-999999999-" */

/* PVE's messages for a template that cannot be removed. */
static const char *const in_use[] = { "still in use", "protection mode", "is locked (", "linked clone", "is running" };

static void keep(struct publish_run *run, long vmid, const char *why)
{
	vec_push(&run->memory.kept, vmid);
	progress_notice("%s: VM %ld stays: %s", run->order->node, vmid, why);
}

/* The disk of a linked clone names its base volume. */
static bool has_base(const struct json *config, long vmid)
{
	char base[BASE_MAX];

	snprintf(base, sizeof base, "base-%ld-", vmid);
	for (size_t i = 0; json_key(config, i); i++) {
		const char *value = json_get_string(config, json_key(config, i));
		if (value && strcmp(json_key(config, i), "description") != 0 && strstr(value, base))
			return true;
	}
	return false;
}

/* 1: guest is a linked clone of vmid. A guest that was removed meanwhile, or whose configuration the token
 * may not read, counts as none: PVE itself refuses to delete a base volume that is in use. */
static int is_child(struct publish_run *run, const struct pve_guest *guest, long vmid, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;

	if (guest->vmid == vmid || guest->kind != PVE_QEMU)
		return 0;
	if (pve_guest_config(run->exec.pve, guest, &config, err) == 0)
		return has_base(config, vmid);
	pve_exec_failed(&run->exec);
	return run->exec.again ? -1 : 0;
}

/* *ret: a linked clone of the template; 0 = none. */
static int find_child(struct publish_run *run, long vmid, long *ret, struct error *err)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	*ret = 0;
	if (pve_list_guests(run->exec.pve, &guests, err) < 0)
		return pve_exec_failed(&run->exec);
	for (size_t i = 0; i < guests.n && !*ret; i++) {
		int rc = is_child(run, &guests.at[i], vmid, err);
		if (rc < 0)
			return -1;
		*ret = rc ? guests.at[i].vmid : 0;
	}
	return 0;
}

static bool words_say_in_use(const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(in_use); i++)
		if (strstr(words, in_use[i]))
			return true;
	return false;
}

static int delete_vm(struct publish_run *run, long vmid, bool finished, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld", run->order->node, vmid);
	CLEANUP(free_p) char *what = xasprintf("remove VM %ld", vmid);

	if (pve_exec_call(&run->exec, "DELETE", path, NULL, what, NULL, err) == 0)
		return 0;
	run->exec.again = run->exec.again || pve_is_gone(pve_failure(run->exec.pve));
	if (!finished || !words_say_in_use(err->private.text))
		return -1;
	CLEANUP(free_p) char *why = error_full(err);
	keep(run, vmid, why);
	return 0;
}

/* Reads the copy again; *ret stays empty when it was removed or is no longer ours. */
static int look_again(struct publish_run *run, long vmid, struct publish_state *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(run->order->node, PVE_QEMU, vmid);

	if (pve_guest_config(run->exec.pve, &guest, &config, err) < 0) {
		pve_exec_failed(&run->exec);
		return pve_is_gone(pve_failure(run->exec.pve)) ? 0 : -1;
	}
	publish_state_add_copy(ret, vmid, config, run->order->node, run->order->image->name,
			       run->order->target->notes_key);
	return 0;
}

static int remove_copy(struct publish_run *run, const struct publish_copy *copy, const char *why, struct error *err)
{
	bool finished = copy->template && copy->published.ready;
	char phase[PHASE_NAME_MAX];
	long child = 0;

	if (copy->template && find_child(run, copy->vmid, &child, err) < 0)
		return -1;
	if (child) {
		CLEANUP(free_p) char *words = xasprintf("VM %ld is a linked clone of it", child);
		keep(run, copy->vmid, words);
		return 0;
	}
	publish_phase(run, "remove", phase, sizeof phase);
	progress_begin(phase, "VM %ld: %s", copy->vmid, why);
	int rc = delete_vm(run, copy->vmid, finished, err);
	progress_end(phase, rc < 0 ? "VM %ld, failed" : "VM %ld: %s", copy->vmid, why);
	return rc;
}

int publish_exec_remove(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	CLEANUP(publish_state_done) struct publish_state now = { 0 };

	if (look_again(run, step->vmid, &now, err) < 0)
		return -1;
	if (now.copies.n && remove_copy(run, &now.copies.at[0], step->why, err) < 0)
		return -1;
	if (step->vmid == run->memory.own)
		run->memory.own = 0;
	if (step->vmid == run->memory.known)
		run->memory.known = 0;
	return 0;
}

int publish_exec_discard(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	const struct target_storages *t = run->order->storages;
	const char *storage = step->part == PUBLISH_VM ? t->import : t->vztmpl;
	const char *content = step->part == PUBLISH_VM ? "import" : "vztmpl";
	CLEANUP(free_p) char *volid = xasprintf("%s:%s/%s", storage, content, step->name);
	CLEANUP(free_p)
	char *path = pve_path("/nodes/%s/storage/%s/content/%s", run->order->node, storage, volid);
	CLEANUP(free_p) char *what = xasprintf("delete %s", volid);

	return pve_exec_call(&run->exec, "DELETE", path, NULL, what, NULL, err);
}
