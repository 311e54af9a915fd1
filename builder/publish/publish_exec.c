/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/publish/publish_vm.h"
#include "builder/pve/vmid.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/pve_task.h"

#define TASK_SECONDS 7200 /* limit for a task: a large image to a slow storage */
#define PAUSES_MAX 900    /* seconds to wait for a locked guest or another publisher */
#define WORKER_DIED "unexpected status"

void publish_phase(const struct publish_run *run, const char *verb, char *ret, size_t size)
{
	snprintf(ret, size, "%s.%s", verb, run->order->node);
}

static void log_task(struct publish_run *run, const char *upid)
{
	CLEANUP(strings_done) struct strings lines = { 0 };
	struct error ignored = { 0 };

	if (!log_verbose() || pve_task_log(run->pve, upid, &lines, &ignored) < 0)
		return;
	for (size_t i = 0; i < lines.n; i++)
		log_debug("%s: %s", run->order->node, lines.at[i]);
}

/* A worker that died does not report how far it came, and a VMID may have been taken meanwhile: the caller
 * reads the state again. */
static bool task_may_pass(const struct pve_task *task)
{
	return pve_may_pass(task->failure) || !strcmp(task->exit, WORKER_DIED) || vmid_is_taken(task->exit);
}

static int task_failed(struct publish_run *run, const char *what, const struct pve_task *task, struct error *err)
{
	bool space = strstr(task->exit, "No space left") || strstr(task->exit, "out of space");

	run->again = task_may_pass(task);
	return error_set(err, space ? ERROR_SPACE : ERROR_TARGET, "%s: the task on %s ended with: %s", what,
			 run->order->node, task->exit);
}

int publish_wait(struct publish_run *run, const struct json *answer, const char *what, char **ret_exit,
		 struct error *err)
{
	CLEANUP(pve_task_done) struct pve_task task = { 0 };
	const char *upid = json_as_string(answer);

	if (!upid)
		return 0; /* PVE did it before it answered */
	if (pve_task_wait(run->pve, upid, TASK_SECONDS, &task, err) < 0) {
		run->again = pve_may_pass(pve_failure(run->pve));
		return error_wrap(err, "%s", what);
	}
	if (task.failure == PVE_OK)
		return 0;
	log_task(run, upid);
	task_failed(run, what, &task, err);
	if (ret_exit)
		*ret_exit = TAKE(task.exit);
	return -1;
}

static int call(struct publish_run *run, const char *method, const char *path, const struct pve_param *params,
		struct json **ret, struct error *err)
{
	int rc = pve_call(run->pve, method, path, params, ret, err);

	run->again = rc < 0 && pve_may_pass(pve_failure(run->pve));
	return rc;
}

/* ---- waiting ---- */

static int do_wait_task(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	CLEANUP(pve_task_done) struct pve_task task = { 0 };

	char phase[PHASE_NAME_MAX];

	publish_phase(run, "wait", phase, sizeof phase);
	progress_begin(phase, "%s", step->name);
	int rc = pve_task_wait(run->pve, step->name, TASK_SECONDS, &task, err);
	progress_end(phase, "%s", step->name);
	if (rc == 0 || pve_failure(run->pve) == PVE_MISSING)
		return 0; /* its result does not matter: the state is read again */
	run->again = pve_may_pass(pve_failure(run->pve));
	return -1;
}

static int do_pause(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	if (run->memory.pauses++ >= PAUSES_MAX)
		return error_set(err, ERROR_TARGET,
				 "%s: VM %ld is in the way: %s; look at it in Proxmox VE, then run "
				 "the command again",
				 run->order->node, step->vmid, step->why);
	clock_nap(1.0);
	return 0;
}

/* ---- creating ---- */

static int pick_vmid(struct publish_run *run, long *ret, struct error *err)
{
	int rc = vmid_pick(run->pve, run->order->target, ret, err);

	run->again = rc < 0 && pve_may_pass(pve_failure(run->pve));
	return rc;
}

static int create(struct publish_run *run, long vmid, int64_t source, struct error *err)
{
	CLEANUP(publish_params_done) struct publish_params params = { 0 };
	CLEANUP(json_free_p) struct json *upid = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu", run->order->node);
	CLEANUP(free_p) char *what = xasprintf("create VM %ld", vmid), *exit = NULL;

	publish_vm_params(run->order, vmid, source, &params);
	if (call(run, "POST", path, params.at, &upid, err) == 0) {
		run->memory.own = vmid;
		int rc = publish_wait(run, upid, what, &exit, err);
		if (exit && !strcmp(exit, WORKER_DIED))
			progress_notice(
				"%s: the worker that made VM %ld died; if it stays there, locked, as root on the node: "
				"qm destroy %ld --skiplock",
				run->order->node, vmid, vmid);
		return rc;
	}
	/* After 596 the worker may continue: the next state shows it. */
	if (pve_failure(run->pve) == PVE_UNREACHABLE)
		run->memory.own = vmid;
	run->again = run->again || vmid_is_taken(err->text);
	return -1;
}

static int do_create(struct publish_run *run, const struct publish_state *state, struct error *err)
{
	const struct publish_volume *source = publish_volumes_find(&state->import, run->order->image->vm.volume);
	char phase[PHASE_NAME_MAX];
	long vmid = 0;

	run->again = true;
	if (!source)
		return error_set(err, ERROR_TARGET, "the upload %s has gone from %s", run->order->image->vm.volume,
				 run->order->storages->import);
	if (pick_vmid(run, &vmid, err) < 0)
		return -1;
	publish_phase(run, "create", phase, sizeof phase);
	progress_begin(phase, "VM %ld", vmid);
	int rc = create(run, vmid, source->ctime, err);
	progress_end(phase, rc < 0 ? "VM %ld, failed" : "VM %ld", vmid);
	return rc;
}

/* ---- from a copy to a template ---- */

static const struct publish_copy *find_copy(const struct publish_state *state, long vmid)
{
	for (size_t i = 0; i < state->copies.n; i++)
		if (state->copies.at[i].vmid == vmid)
			return &state->copies.at[i];
	return NULL;
}

static struct pve_guest guest_of(const struct publish_run *run, long vmid)
{
	return (struct pve_guest){ .vmid = vmid, .kind = PVE_QEMU, .node = (char *)run->order->node };
}

static int update(struct publish_run *run, long vmid, const char *digest, const char *key, const char *value,
		  struct error *err)
{
	struct pve_guest guest = guest_of(run, vmid);
	int rc = pve_guest_update(run->pve, &guest, digest,
				  (const struct pve_param[]){ { key, value }, { NULL, NULL } }, err);

	run->again = rc < 0 && (pve_may_pass(pve_failure(run->pve)) || pve_is_gone(pve_failure(run->pve)));
	return rc;
}

static int do_tag(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(free_p)
	char *tags = publish_notes_tags(&copy->published, run->order->node, &run->order->target->tags);

	return update(run, copy->vmid, NULL, "tags", tags, err);
}

/* Another publisher may have converted it. */
static bool is_template_by_now(const struct error *err)
{
	return strstr(err->text, "convert a template to a template") != NULL;
}

static int do_convert(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld/template", run->order->node, copy->vmid);
	CLEANUP(json_free_p) struct json *upid = NULL;

	if (call(run, "POST", path, NULL, &upid, err) == 0 &&
	    publish_wait(run, upid, "make it a template", NULL, err) == 0)
		return 0;
	if (is_template_by_now(err))
		return 0;
	run->again = run->again || pve_is_gone(pve_failure(run->pve));
	return -1;
}

/* With the digest, so that a concurrent edit of the notes is not lost. */
static int do_finalize(struct publish_run *run, const struct publish_copy *copy, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = guest_of(run, copy->vmid);
	struct publish_notes ready = copy->published; /* borrows */

	if (pve_guest_config(run->pve, &guest, &config, err) < 0) {
		run->again = pve_may_pass(pve_failure(run->pve)) || pve_is_gone(pve_failure(run->pve));
		return -1;
	}
	const char *notes = json_get_string(config, "description");
	ready.ready = true;
	CLEANUP(free_p) char *signed_notes = publish_notes_print(&ready, notes ? notes : "");
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

	run->again = !copy;
	return copy ? acts[step->act](run, copy, err) : error_set(err, ERROR_TARGET, "VM %ld has gone", step->vmid);
}

static int do_any(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		  struct error *err)
{
	switch (step->act) {
	case PUBLISH_WAIT_TASK:
		return do_wait_task(run, step, err);
	case PUBLISH_PAUSE:
		return do_pause(run, step, err);
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
	run->again = false;
	if (step->act != PUBLISH_PAUSE)
		run->memory.pauses = 0;
	return do_any(run, state, step, err);
}
