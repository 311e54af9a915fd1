/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pve_task.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/text.h"

#define LOG_LINES "500" /* requested of a task's log */
#define LOG_KEPT 5
#define POLL_FIRST 0.25 /* seconds; most tasks are short */
#define POLL_LAST 2.0

enum upid_field { UPID_WORD, UPID_NODE, UPID_PID, UPID_START, UPID_TIME, UPID_TYPE, UPID_ID, UPID_USER, UPID_END };

/* Splits a UPID into its fields, which contain no colons. */
static bool split(const char *upid, struct strings *ret)
{
	for (const char *colon; (colon = strchr(upid, ':')); upid = colon + 1)
		strings_own(ret, xstrndup(upid, (size_t)(colon - upid)));
	return ret->n == UPID_END && !*upid && !strcmp(ret->at[UPID_WORD], "UPID") && *ret->at[UPID_NODE];
}

char *pve_task_node(const char *upid)
{
	CLEANUP(strings_done) struct strings fields = { 0 };

	return split(upid, &fields) ? xstrdup(fields.at[UPID_NODE]) : NULL;
}

char *pve_task_type(const char *upid)
{
	CLEANUP(strings_done) struct strings fields = { 0 };

	return split(upid, &fields) ? xstrdup(fields.at[UPID_TYPE]) : NULL;
}

bool pve_task_is_own(const char *upid, const char *token_id, const char *const *types)
{
	CLEANUP(strings_done) struct strings fields = { 0 };

	if (!split(upid, &fields) || strcmp(fields.at[UPID_USER], token_id))
		return false;
	while (*types && strcmp(*types, fields.at[UPID_TYPE]))
		types++;
	return *types != NULL;
}

void pve_task_done(struct pve_task *task)
{
	free(task->exit);
	*task = (struct pve_task){ 0 };
}

static int get(struct pve *pve, const char *upid, const char *what, const struct pve_param *params, struct json **ret,
	       struct error *err)
{
	CLEANUP(free_p) char *node = pve_task_node(upid);

	if (!node)
		return error_set(err, ERROR_TARGET, "'%s' is not a Proxmox VE task", upid);
	CLEANUP(free_p) char *task = pve_path("/nodes/%s/tasks/%s", node, upid);
	CLEANUP(free_p) char *path = xasprintf("%s/%s", task, what);
	return pve_call(pve, "GET", path, params, ret, err);
}

int pve_task_status(struct pve *pve, const char *upid, struct pve_task *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (get(pve, upid, "status", NULL, &data, err) < 0)
		return -1;
	const char *exit = json_get_string(data, "exitstatus");
	bool running = !text_same(json_get_string(data, "status"), "stopped");
	*ret = (struct pve_task){ .running = running };
	if (running)
		return 0;
	ret->exit = xstrdup(exit ? exit : "unexpected status");
	ret->failure =
		!strcmp(ret->exit, "OK") || text_starts(ret->exit, "WARNINGS") ? PVE_OK : pve_classify_words(ret->exit);
	return 0;
}

static int get_log(struct pve *pve, const char *upid, struct json **ret, struct error *err)
{
	return get(pve, upid, "log", (const struct pve_param[]){ { "limit", LOG_LINES }, { NULL, NULL } }, ret, err);
}

int pve_task_log(struct pve *pve, const char *upid, struct strings *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (get_log(pve, upid, &data, err) < 0)
		return -1;
	size_t n = json_count(data);
	for (size_t i = n > LOG_KEPT ? n - LOG_KEPT : 0; i < n; i++) {
		const char *line = json_get_string(json_at(data, i), "t");
		strings_add(ret, line ? line : "");
	}
	return 0;
}

/* How a line that is a warning begins. PVE 8 says of a disk that stays only this, and the task ends well. */
static const char *const warnings[] = {
	"WARN: ", "WARN ", "WARNING: ", "warning: ", "Could not remove disk", "Could not remove volume"
};

static bool is_warning(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++)
		if (text_starts(line, warnings[i]))
			return true;
	return false;
}

int pve_task_warnings(struct pve *pve, const char *upid, struct strings *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (get_log(pve, upid, &data, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(data); i++) {
		const char *line = json_get_string(json_at(data, i), "t");
		/* "TASK WARNINGS: 1", the last one, says nothing new. */
		if (line && is_warning(line))
			strings_add(ret, line);
	}
	return 0;
}

static bool is_transient(enum pve_failure failure)
{
	return failure == PVE_UNREACHABLE || failure == PVE_BUSY;
}

int pve_task_wait(struct pve *pve, const char *upid, long timeout, struct pve_task *ret, struct error *err)
{
	double until = clock_seconds() + (double)timeout;

	for (double nap = POLL_FIRST;; nap = nap * 2 < POLL_LAST ? nap * 2 : POLL_LAST) {
		struct pve_task task = { 0 };
		int rc = pve_task_status(pve, upid, &task, err);
		if (rc == 0 && !task.running) {
			*ret = task;
			return 0;
		}
		pve_task_done(&task);
		if (rc < 0 && !is_transient(pve_failure(pve)))
			return -1;
		if (clock_seconds() + nap > until)
			return rc < 0 ? error_wrap(err, "task %s", upid)
				      : error_set(err, ERROR_NETWORK,
						  "task %s is still running after %ld s; check its log in Proxmox VE, "
						  "then "
						  "run the command again",
						  upid, timeout);
		clock_nap(nap);
	}
}

void pve_task_parse_list(const struct json *data, struct strings *ret)
{
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json *task = json_at(data, i);
		const char *upid = json_get_string(task, "upid"), *status = json_get_string(task, "status");
		/* In this list, the status of a task that has ended is its exit status. */
		if (upid && !json_get(task, "endtime") && (!status || !strcasecmp(status, "running")))
			strings_add(ret, upid);
	}
}
