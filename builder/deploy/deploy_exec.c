/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_tags.h"
#include "builder/pve/vmid.h"

#define TAGS_BYTES_MAX 4096

/* ---- for all actions ---- */

/* The plan is made again when the guest has been removed or its VMID taken meanwhile. */
static int failed(struct deploy_run *run, const struct error *err)
{
	run->exec.again =
		run->exec.again || pve_failure(run->exec.pve) == PVE_MISSING || vmid_is_taken(err->private.text);
	return -1;
}

int deploy_wait(struct deploy_run *run, const struct json *upid, const char *what, struct error *err)
{
	if (pve_exec_wait(&run->exec, upid, what, NULL, err) < 0)
		return failed(run, err);
	return 0;
}

int deploy_call(struct deploy_run *run, const char *method, const char *path, const struct pve_param *params,
		const char *what, struct json **ret, struct error *err)
{
	if (pve_exec_call(&run->exec, method, path, params, what, ret, err) < 0)
		return failed(run, err);
	return 0;
}

int deploy_look(struct deploy_run *run, const struct deploy_step *step, struct deploy_guest *ret, char **ret_digest,
		struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_guest guest = pve_exec_guest(step->pve_node, step->kind, step->vmid);
	const struct deploy_search search = { .cluster = run->order->cluster->name, .secret = run->order->secret };

	if (pve_get_config_retry(run->exec.pve, &guest, &config, err) < 0)
		return pve_exec_failed_or_gone(&run->exec);
	if (!deploy_guest_parse(config, step->kind, step->vmid, &search, ret) || ret->claim != DEPLOY_OURS) {
		run->exec.again = true;
		return error_set(err, ERROR_TARGET, "guest %ld no longer belongs to this cluster", step->vmid);
	}
	if (ret_digest)
		*ret_digest = xstrdup(json_get_string(config, "digest") ? json_get_string(config, "digest") : "");
	return 0;
}

int deploy_update(struct deploy_run *run, const struct deploy_step *step, const char *digest,
		  const struct pve_param *params, struct error *err)
{
	struct pve_guest guest = pve_exec_guest(step->pve_node, step->kind, step->vmid);

	if (pve_guest_update(run->exec.pve, &guest, digest, params, err) == 0)
		return 0;
	pve_exec_failed(&run->exec);
	failed(run, err);
	return error_wrap(err, "configure guest %ld", step->vmid);
}

const struct target_storages *deploy_storages(const struct deploy_run *run, const struct deploy_step *step)
{
	return target_storages_on(&run->order->cluster->target, step->pve_node);
}

struct deploy_notes deploy_mark(const struct deploy_run *run, const struct deploy_step *step)
{
	struct deploy_notes mark = { .cluster = run->order->cluster->name,
				     .node = step->node->name,
				     .vmid = step->vmid,
				     .kind = step->node->kind };

	memcpy(mark.key, run->order->key, sizeof mark.key);
	return mark;
}

/* A VM has the target's tags from its template, a container from here. */
char *deploy_tags(const struct deploy_run *run, const struct cluster_node *n, const char *tags)
{
	const struct strings *more = &run->order->cluster->target.tags;
	CLEANUP(text_done) struct text ret = { 0 };
	struct node_record m = { .cluster = run->order->cluster->name,
				 .role = (int)n->role,
				 .state = NODE_RECORD_BOOTING };
	CLEANUP(free_p) char *all = node_record_tags(&m, tags && strlen(tags) < TAGS_BYTES_MAX ? tags : "");

	text_addf(&ret, "%s;" DEPLOY_NOTES_TAG "%s", all, m.cluster);
	for (size_t i = 0; i < more->n; i++)
		if (!pve_tags_has(ret.data, more->at[i]))
			text_addf(&ret, ";%s", more->at[i]);
	return text_take(&ret);
}

int deploy_record(struct deploy_run *run, long vmid, const char *node, struct error *err)
{
	seed_secrets_record(run->kept, run->secret, vmid, node, NULL);
	return seed_secrets_save(run->kept, err);
}

static int begin_removal(struct deploy_run *run, long vmid, struct error *err)
{
	seed_secrets_begin_removal(run->kept, run->secret, vmid);
	return seed_secrets_save(run->kept, err);
}

int deploy_unrecord(struct deploy_run *run, long vmid, struct error *err)
{
	seed_secrets_unrecord(run->kept, run->secret, vmid);
	return seed_secrets_save(run->kept, err);
}

/* ---- waiting ---- */

static int do_wait_task(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return pve_exec_wait_earlier(&run->exec, step->name, err);
}

static int do_pause(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return pve_exec_pause(&run->exec, step->pve_node, step->vmid, step->why, err);
}

/* ---- a guest ---- */

static int do_grow(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld/resize", step->pve_node, step->vmid);
	CLEANUP(free_p) char *size = xasprintf("%lluK", (step->node->size.disk + 1023) / 1024);
	CLEANUP(free_p) char *what = xasprintf("grow the disk of VM %ld", step->vmid);
	const struct pve_param params[] = { { "disk", "scsi0" }, { "size", size }, { NULL, NULL } };

	return deploy_call(run, "PUT", path, params, what, NULL, err);
}

static const char *slot_for_seed(const struct deploy_guest *g)
{
	return *g->seed ? g->seed : g->free;
}

/* A single request, so that a VM that has its seed also has all other settings. */
static int do_attach(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };
	CLEANUP(free_p) char *digest = NULL;
	const struct cluster_size *size = &step->node->size;
	struct pve_param params[8] = { { 0 } };
	size_t n = 0;

	if (deploy_look(run, step, &g, &digest, err) < 0)
		return -1;
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(free_p) char *tags = deploy_tags(run, step->node, g.tags);
	CLEANUP(free_p) char *cores = xasprintf("%ld", size->cores), *memory = xasprintf("%llu", size->memory >> 20);
	CLEANUP(free_p) char *volume = deploy_notes_volume(&mark, ".iso");
	CLEANUP(free_p) char *drive = xasprintf("%s:iso/%s,media=cdrom", deploy_storages(run, step)->seeds, volume);
	params[n++] = (struct pve_param){ "tags", tags };
	params[n++] = (struct pve_param){ slot_for_seed(&g), drive };
	if (size->cores)
		params[n++] = (struct pve_param){ "cores", cores };
	if (size->memory)
		params[n++] = (struct pve_param){ "memory", memory };
	/* cloud-init uses only one volume labelled cidata. */
	if (*g.cloudinit)
		params[n++] = (struct pve_param){ "delete", g.cloudinit };
	return deploy_update(run, step, digest, params, err);
}

static int do_tag(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };
	CLEANUP(free_p) char *digest = NULL;

	if (deploy_look(run, step, &g, &digest, err) < 0)
		return -1;
	CLEANUP(free_p) char *tags = deploy_tags(run, step->node, g.tags);
	return deploy_update(run, step, digest, (const struct pve_param[]){ { "tags", tags }, { NULL, NULL } }, err);
}

/* PVE can eject the disc of a running VM, but remove its drive only from a stopped one. */
static int do_eject(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };

	if (deploy_look(run, step, &g, NULL, err) < 0)
		return -1;
	if (!*g.seed)
		return 0;
	return deploy_update(run, step, NULL,
			     (const struct pve_param[]){ { g.seed, "none,media=cdrom" }, { NULL, NULL } }, err);
}

/* POST or DELETE below a guest's path. A failure whose message contains the text `done` means that
 * the action was done before. */
static int act_on(struct deploy_run *run, const struct deploy_step *step, const char *method, const char *below,
		  const struct pve_param *params, const char *verb, const char *done, struct error *err)
{
	CLEANUP(free_p) char *guest = pve_path("/nodes/%s/%s/%ld", step->pve_node, deploy_kind(step->kind), step->vmid);
	CLEANUP(free_p) char *path = xasprintf("%s%s", guest, below);
	CLEANUP(free_p) char *what = xasprintf("%s guest %ld", verb, step->vmid);

	if (deploy_call(run, method, path, params, what, NULL, err) == 0 || pve_said(err, done))
		return 0;
	return -1;
}

static int do_start(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return act_on(run, step, "POST", "/status/start", NULL, "start", "already running", err);
}

static int do_stop(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return act_on(run, step, "POST", "/status/stop", NULL, "stop", "not running", err);
}

/* After a failure to read the guest: whether it has gone. A token with rights on the pool only gets the same answer for a guest that
 * has left the pool. */
static bool is_gone(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	enum pve_failure failure = pve_failure(run->exec.pve);

	if (!pve_is_gone(failure))
		return false;
	int rc = failure == PVE_MISSING ? 0 : vmid_exists(run->exec.pve, step->vmid, err);
	if (rc < 0)
		pve_exec_failed(&run->exec);
	else if (rc)
		error_set(err, ERROR_TARGET,
			  "guest %ld is still there, but the token cannot see it any more (VM.Audit)", step->vmid);
	return rc == 0;
}

static int remove_guest(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 }, left = { 0 };
	struct error gone = { 0 };
	/* Disks that its configuration does not name are not this guest's: they may be of an earlier one of its VMID. */
	static const struct pve_param params[] = { { "purge", "1" }, { NULL, NULL } };

	/* The VMID may belong to another guest by now: only a guest of the cluster is removed. */
	if (deploy_look(run, step, &g, NULL, err) < 0)
		return is_gone(run, step, err) ? 0 : -1;
	if (begin_removal(run, step->vmid, err) < 0)
		return -1;
	if (act_on(run, step, "DELETE", "", params, "remove", "does not exist", err) == 0)
		return 0;
	/* A guest that was removed meanwhile is no longer in the pool, so the token has no rights on it. */
	return deploy_look(run, step, &left, NULL, &gone) < 0 && is_gone(run, step, &gone) ? 0 : -1;
}

static int do_remove(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	if (remove_guest(run, step, err) < 0)
		return -1;
	strings_add(&run->removed, step->name);
	return deploy_unrecord(run, step->vmid, err);
}

int deploy_exec(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	static int (*const acts[])(struct deploy_run *, const struct deploy_step *, struct error *) = {
		[DEPLOY_WAIT_TASK] = do_wait_task,
		[DEPLOY_PAUSE] = do_pause,
		[DEPLOY_CLONE] = deploy_exec_clone,
		[DEPLOY_GROW] = do_grow,
		[DEPLOY_TOKEN] = deploy_exec_token,
		[DEPLOY_GRANT] = deploy_exec_grant,
		[DEPLOY_SEED] = deploy_exec_seed,
		[DEPLOY_ATTACH] = do_attach,
		[DEPLOY_CREATE] = deploy_exec_create,
		[DEPLOY_TAG] = do_tag,
		[DEPLOY_START] = do_start,
		[DEPLOY_WATCH] = deploy_exec_watch,
		[DEPLOY_EJECT] = do_eject,
		[DEPLOY_DISCARD] = deploy_exec_discard,
		[DEPLOY_REVOKE] = deploy_exec_revoke,
		[DEPLOY_STOP] = do_stop,
		[DEPLOY_REMOVE] = do_remove,
	};

	pve_exec_begin(&run->exec, step->act == DEPLOY_PAUSE);
	return acts[step->act](run, step, err);
}

void deploy_phase(const struct deploy_step *step, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s", step->node ? "node." : "cluster", step->node ? step->node->name : "");
}

void deploy_run_done(struct deploy_run *run)
{
	for (size_t i = 0; i < run->secrets.n; i++)
		wipe_free(run->secrets.at[i].token);
	vec_done(&run->secrets);
	vec_done(&run->watches);
	vec_done(&run->skipped);
	vec_done(&run->broken);
	pve_exec_done(&run->exec);
	strings_done(&run->keys);
	strings_done(&run->removed);
}
