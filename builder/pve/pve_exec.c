/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_exec.h"

#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_space.h"
#include "builder/pve/vmid.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/pve_task.h"

#define TASK_SECONDS 7200 /* limit for a task: a large image to a slow storage */
#define PAUSES_MAX 900    /* seconds to wait for a locked guest or another publisher */

void pve_exec_begin(struct pve_exec *x, bool pause)
{
	x->again = false;
	if (!pause)
		x->pauses = 0;
}

int pve_exec_failed(struct pve_exec *x)
{
	x->again = pve_may_pass(pve_failure(x->pve));
	return -1;
}

int pve_exec_failed_or_gone(struct pve_exec *x)
{
	x->again = pve_may_pass(pve_failure(x->pve)) || pve_is_gone(pve_failure(x->pve));
	return -1;
}

int pve_exec_call(struct pve_exec *x, const char *method, const char *path, const struct pve_param *params,
		  const char *what, struct json **ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *answer = NULL;

	if (pve_call(x->pve, method, path, params, &answer, err) < 0) {
		if (pve_space_is_out(err->private.text))
			err->class = ERROR_SPACE;
		return pve_exec_failed(x);
	}
	if (what && pve_exec_wait(x, answer, what, NULL, err) < 0)
		return -1;
	if (ret)
		*ret = TAKE(answer);
	return 0;
}

/* ---- tasks ---- */

bool pve_exec_worker_died(const char *exit)
{
	return !strcmp(exit, "unexpected status");
}

static void log_task(struct pve_exec *x, const char *node, const char *upid)
{
	CLEANUP(strings_done) struct strings lines = { 0 };
	struct error ignored = { 0 };

	if (!log_verbose() || pve_task_log(x->pve, upid, &lines, &ignored) < 0)
		return;
	for (size_t i = 0; i < lines.n; i++)
		log_debug("%s: %s", node, lines.at[i]);
}

/* Whether a task of this type has not ended like this before. */
static bool is_first(struct pve_exec *x, const char *upid, const char *exit)
{
	CLEANUP(free_p) char *type = pve_task_type(upid), *words = xasprintf("%s: %s", type ? type : "?", exit);

	if (strings_has(&x->failed, words))
		return false;
	strings_add(&x->failed, words);
	return true;
}

/* A worker that died does not report how far it came, and a VMID may have been taken meanwhile: the caller reads the state again,
 * once. A lock is waited for longer. */
static int task_failed(struct pve_exec *x, const char *upid, const char *what, const struct pve_task *task,
		       struct error *err)
{
	CLEANUP(free_p) char *node = pve_task_node(upid);

	log_task(x, node ? node : "?", upid);
	x->again = pve_may_pass(task->failure) ||
		   ((pve_exec_worker_died(task->exit) || vmid_is_taken(task->exit)) && is_first(x, upid, task->exit));
	error_set(err, pve_space_is_out(task->exit) ? ERROR_SPACE : ERROR_TARGET,
		  "%s: the task on %s ended with an error", what, node ? node : "?");
	return error_quote(err, "%s", task->exit);
}

/* Tasks whose log is read although they ended well: PVE 8 does not count a disk that it could not remove. */
static const char *const removals[] = { "qmdestroy", "vzdestroy", NULL };

/* A task that ended with warnings has done what it was to do; what it warns of is reported once. */
static void tell_warnings(struct pve_exec *x, const char *upid, const char *what, const char *exit)
{
	CLEANUP(strings_done) struct strings lines = { 0 };
	CLEANUP(free_p) char *node = pve_task_node(upid), *type = pve_task_type(upid);
	struct error err = { 0 };
	bool counted = text_starts(exit, "WARNINGS"), removal = false;

	for (size_t i = 0; removals[i]; i++)
		removal = removal || text_same(removals[i], type);
	if (!counted && !removal)
		return;
	if (pve_task_warnings(x->pve, upid, &lines, &err) < 0 && counted) {
		CLEANUP(free_p) char *why = error_full(&err);
		progress_notice("%s: the task on %s ended with %s; its log cannot be read: %s", what, node, exit, why);
	}
	for (size_t i = 0; i < lines.n; i++)
		progress_notice("%s: the task on %s warns: %s", what, node, lines.at[i]);
	if (counted && !lines.n && !*err.text)
		progress_notice("%s: the task on %s ended with %s; see its log in Proxmox VE", what, node, exit);
}

int pve_exec_wait(struct pve_exec *x, const struct json *answer, const char *what, char **ret_exit, struct error *err)
{
	CLEANUP(pve_task_done) struct pve_task task = { 0 };
	const char *upid = json_as_string(answer);

	if (!upid)
		return 0; /* PVE did it before it answered */
	if (pve_task_wait(x->pve, upid, TASK_SECONDS, &task, err) < 0) {
		pve_exec_failed(x);
		return error_wrap(err, "%s", what);
	}
	if (task.failure == PVE_OK) {
		tell_warnings(x, upid, what, task.exit);
		return 0;
	}
	task_failed(x, upid, what, &task, err);
	if (ret_exit)
		*ret_exit = TAKE(task.exit);
	return -1;
}

int pve_exec_wait_earlier(struct pve_exec *x, const char *upid, struct error *err)
{
	CLEANUP(pve_task_done) struct pve_task task = { 0 };

	if (pve_task_wait(x->pve, upid, TASK_SECONDS, &task, err) == 0 || pve_failure(x->pve) == PVE_MISSING)
		return 0;
	return pve_exec_failed(x);
}

/* ---- pauses ---- */

int pve_exec_pause(struct pve_exec *x, const char *node, long vmid, const char *why, struct error *err)
{
	if (x->pauses++ >= PAUSES_MAX)
		return error_set(
			err, ERROR_TARGET,
			"%s: guest %ld is in the way: %s; look at it in Proxmox VE, then run the command again", node,
			vmid, why);
	clock_nap(1.0);
	return 0;
}

struct pve_guest pve_exec_guest(const char *node, enum pve_kind kind, long vmid)
{
	return (struct pve_guest){ .vmid = vmid, .kind = kind, .node = (char *)node };
}

void pve_exec_done(struct pve_exec *x)
{
	pve_guard_free(&x->guard);
	strings_done(&x->failed);
}
