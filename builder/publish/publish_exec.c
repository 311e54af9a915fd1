/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/publish/publish_vm.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/roles.h"
#include "builder/pve/vmid.h"
#include "lib/random.h"

#define UUID_TEXT 37
#define SKIPPED_MAX 20 /* VMIDs in one run of which volumes are left */

void publish_phase(const struct publish_run *run, const char *verb, char *ret, size_t size)
{
	snprintf(ret, size, "%s.%s", verb, run->order->node);
}

/* ---- waiting ---- */

static int do_wait_task(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	char phase[PHASE_NAME_MAX];

	publish_phase(run, "wait", phase, sizeof phase);
	progress_begin(phase, "%s", step->name);
	int rc = pve_exec_wait_earlier(&run->exec, step->name, err);
	progress_end(phase, "%s", step->name);
	return rc;
}

/* ---- creating ---- */

static int pick_vmid(struct publish_run *run, long *ret, struct error *err)
{
	if (vmid_pick(run->exec.pve, run->order->target, &run->memory.skipped, ret, err) == 0)
		return 0;
	return pve_exec_failed(&run->exec);
}

/* A random one, RFC 9562 version 4. */
static void make_uuid(char ret[UUID_TEXT])
{
	char hex[UUID_TEXT];

	random_word("0123456789abcdef", 32, hex);
	snprintf(ret, UUID_TEXT, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18);
}

/* How the task that made a VM ended; exit NULL = well. */
static void learn(struct publish_run *run, long vmid, const char *exit)
{
	const struct publish_order *o = run->order;
	CLEANUP(free_p) char *volume = exit ? vmid_left_over(exit, o->storages->disks) : NULL;

	if (!exit)
		run->memory.known = vmid;
	else if (volume)
		vmid_skip(&run->memory.skipped, vmid, o->node, volume);
	else if (pve_exec_worker_died(exit))
		progress_notice("%s: the worker that made VM %ld died; if it stays there, locked, as root on the node: "
				"qm destroy %ld --skiplock",
				o->node, vmid, vmid);
}

static int create(struct publish_run *run, long vmid, int64_t source, struct error *err)
{
	CLEANUP(publish_params_done) struct publish_params params = { 0 };
	CLEANUP(json_free_p) struct json *upid = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu", run->order->node);
	CLEANUP(free_p) char *what = xasprintf("create VM %ld", vmid), *exit = NULL;
	char uuid[UUID_TEXT];

	make_uuid(uuid);
	publish_vm_params(run->order, vmid, source, uuid, &params);
	if (pve_exec_call(&run->exec, "POST", path, params.at, NULL, &upid, err) == 0) {
		run->memory.own = vmid;
		int rc = pve_exec_wait(&run->exec, upid, what, &exit, err);
		if (rc == 0 || exit)
			learn(run, vmid, exit);
		return rc;
	}
	/* After 596 PVE's worker may have continued: the next reading of the state shows that. */
	if (pve_failure(run->exec.pve) == PVE_UNREACHABLE)
		run->memory.own = vmid;
	run->exec.again = run->exec.again || vmid_is_taken(err->private.text);
	return -1;
}

static int do_create(struct publish_run *run, const struct publish_state *state, struct error *err)
{
	const struct publish_volume *source = publish_volumes_find(&state->import, run->order->image->vm.volume);
	char phase[PHASE_NAME_MAX];
	long vmid = 0;

	run->exec.again = true;
	if (!source)
		return error_set(err, ERROR_TARGET, "the upload %s has gone from %s", run->order->image->vm.volume,
				 run->order->storages->import);
	publish_phase(run, "create", phase, sizeof phase);
	for (;;) {
		if (pick_vmid(run, &vmid, err) < 0)
			return -1;
		progress_begin(phase, "VM %ld", vmid);
		int rc = create(run, vmid, source->ctime, err);
		progress_end(phase, rc < 0 ? "VM %ld, failed" : "VM %ld", vmid);
		if (!vmid_list_has(&run->memory.skipped, vmid) || run->memory.skipped.n > SKIPPED_MAX)
			return rc;
	}
}

/* The token can read the VM: it shows again, or a user has changed its notes, and it is the user's now. */
static int is_given_up(struct publish_run *run, long vmid, struct error *err)
{
	const struct publish_order *o = run->order;
	CLEANUP(publish_state_done) struct publish_state now = { 0 };
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(o->node, PVE_QEMU, vmid);

	if (pve_get_config_retry(run->exec.pve, &guest, &config, err) < 0)
		return pve_is_gone(pve_failure(run->exec.pve)) ? 0 : pve_exec_failed(&run->exec);
	publish_state_add_copy(&now, vmid, config, o->node, o->image->name, o->target->notes_key);
	if (!now.copies.n)
		progress_notice("%s: the notes of VM %ld were changed before it was finished: it stays as it is, and "
				"another one is made",
				o->node, vmid);
	return 1;
}

static int refuse_hidden(const struct publish_order *o, long vmid, struct error *err)
{
	CLEANUP(free_p) char *place = role_guest_path(o->target);
	CLEANUP(free_p) char *grant = role_grant(o->target, place, role_of_place(ROLE_GUESTS));

	return error_set(
		err, ERROR_TARGET,
		"VM %ld, which this run works on, is still there, but the token %s cannot see it any more: it has "
		"lost VM.Audit on %s, or the VM was moved; as root on a node: %s; then run the command again",
		vmid, o->target->token_id, place, grant);
}

/* Whether the copy is hidden, or it is gone: then it may be made again. */
static int do_find(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	int given_up = is_given_up(run, step->vmid, err);
	int rc = given_up ? 0 : vmid_exists(run->exec.pve, step->vmid, err);

	if (given_up < 0)
		return -1;
	if (rc)
		return rc < 0 ? pve_exec_failed(&run->exec) : refuse_hidden(run->order, step->vmid, err);
	run->memory.known = 0;
	run->memory.own = step->vmid == run->memory.own ? 0 : run->memory.own;
	return 0;
}

/* ---- from a copy to a template ---- */

static const struct publish_copy *find_copy(const struct publish_state *state, long vmid)
{
	for (size_t i = 0; i < state->copies.n; i++)
		if (state->copies.at[i].vmid == vmid)
			return &state->copies.at[i];
	return NULL;
}

static int update(struct publish_run *run, long vmid, const char *digest, const char *key, const char *value,
		  struct error *err)
{
	struct pve_guest guest = pve_exec_guest(run->order->node, PVE_QEMU, vmid);
	const struct pve_param params[] = { { key, value }, { NULL, NULL } };

	if (pve_guest_update(run->exec.pve, &guest, digest, params, err) == 0)
		return 0;
	return pve_exec_failed_or_gone(&run->exec);
}

static int do_tag(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(free_p)
	char *tags = publish_notes_tags(&copy->published, run->order->node, &run->order->target->tags);

	return update(run, copy->vmid, NULL, "tags", tags, err);
}

/* Another publisher may have converted the copy. */
static bool is_template_by_now(const struct error *err)
{
	return pve_said(err, "convert a template to a template");
}

static int do_convert(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld/template", run->order->node, copy->vmid);

	if (pve_exec_call(&run->exec, "POST", path, NULL, "make it a template", NULL, err) == 0)
		return 0;
	if (is_template_by_now(err))
		return 0;
	CLEANUP(free_p) char *volume = vmid_left_over(err->private.text, run->order->storages->disks);
	if (volume)
		vmid_skip(&run->memory.skipped, copy->vmid, run->order->node, volume);
	run->exec.again = run->exec.again || volume || pve_is_gone(pve_failure(run->exec.pve));
	return -1;
}

/* With the digest, so that a concurrent edit of the notes is not lost. */
static int do_finalize(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(run->order->node, PVE_QEMU, copy->vmid);
	struct publish_notes ready = copy->published; /* borrows */

	if (pve_guest_config(run->exec.pve, &guest, &config, err) < 0)
		return pve_exec_failed_or_gone(&run->exec);
	const char *notes = json_get_string(config, "description");
	ready.ready = true;
	CLEANUP(free_p)
	char *signed_notes = publish_notes_print(&ready, run->order->target->notes_key, notes ? notes : "");
	return update(run, copy->vmid, json_get_string(config, "digest"), "description", signed_notes, err);
}

static int do_to_copy(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		      struct error *err)
{
	static int (*const acts[])(struct publish_run *, const struct publish_copy *, struct error *) = {
		[PUBLISH_TAG] = do_tag,
		[PUBLISH_CONVERT] = do_convert,
		[PUBLISH_FINALIZE] = do_finalize,
	};
	const struct publish_copy *copy = find_copy(state, step->vmid);

	run->exec.again = !copy;
	run->memory.known = step->vmid;
	return copy ? acts[step->act](run, copy, err) : error_set(err, ERROR_TARGET, "VM %ld has gone", step->vmid);
}

static int do_any(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		  struct error *err)
{
	switch (step->act) {
	case PUBLISH_WAIT_TASK:
		return do_wait_task(run, step, err);
	case PUBLISH_PAUSE:
		return pve_exec_pause(&run->exec, run->order->node, step->vmid, step->why, err);
	case PUBLISH_FIND:
		return do_find(run, step, err);
	case PUBLISH_UPLOAD:
		return publish_exec_upload(run, step, err);
	case PUBLISH_CREATE:
		return do_create(run, state, err);
	case PUBLISH_REMOVE:
		return publish_exec_remove(run, step, err);
	case PUBLISH_DISCARD:
		return publish_exec_discard(run, step, err);
	case PUBLISH_TAG:
	case PUBLISH_CONVERT:
	case PUBLISH_FINALIZE:
		break;
	}
	return do_to_copy(run, state, step, err);
}

int publish_exec(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		 struct error *err)
{
	pve_exec_begin(&run->exec, step->act == PUBLISH_PAUSE);
	return do_any(run, state, step, err);
}
