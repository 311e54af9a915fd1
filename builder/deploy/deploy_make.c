/* SPDX-License-Identifier: Apache-2.0 */
/* Creates guests: a VM as a clone, a container from its seeded tarball. Both have our line in their
 * notes from their creation. */
#include <stdio.h>
#include <string.h>

#include "builder/deploy/deploy_exec.h"
#include "builder/deploy/deploy_template.h"
#include "builder/progress/progress.h"
#include "builder/pve/vmid.h"
#include "lib/log.h"

#define PARAMS_MAX 20
#define SKIPPED_MAX 20 /* VMIDs in one run of which volumes are left */
#define GIB (1ull << 30)

/* A configured VMID that is taken is an error, not a race. */
static int pick(struct deploy_run *run, const struct deploy_step *step, long *ret, struct error *err)
{
	*ret = step->node->vmid;
	if (*ret)
		return 0;
	if (vmid_pick(run->exec.pve, &run->order->cluster->target, &run->skipped, ret, err) == 0)
		return 0;
	run->exec.again = pve_failure(run->exec.pve) == PVE_UNREACHABLE || pve_failure(run->exec.pve) == PVE_BUSY;
	return -1;
}

/* A volume of an earlier guest is in the way: another VMID is tried, unless the cluster's file wants this one. */
static void skip(struct deploy_run *run, const struct deploy_step *step, long vmid, const char *volume,
		 struct error *err)
{
	run->exec.again = !step->node->vmid;
	if (run->exec.again)
		vmid_skip(&run->skipped, vmid, step->pve_node, volume);
	else
		error_wrap(
			err,
			"node %s: a volume of an earlier guest %ld is left, %s (when it is not needed, as root on %s: "
			"pvesm free %s)",
			step->node->name, vmid, volume, step->pve_node, volume);
}

/* A worker that died leaves a guest that is locked and in no pool, so the token neither sees nor removes it. */
static void note_broken(struct deploy_run *run, const struct deploy_step *step, long vmid)
{
	vec_push(&run->broken, vmid);
	progress_notice("%s: the worker that made guest %ld died; if it stays there, locked, as root on the node: %s "
			"destroy %ld%s",
			step->pve_node, vmid, step->kind == PVE_LXC ? "pct" : "qm", vmid,
			step->kind == PVE_LXC ? "" : " --skiplock");
}

/* PVE makes a guest. It is recorded before, so that one that is made without an answer is known as ours; and no longer when
 * its VMID turns out to be another guest's, or not to be usable. */
static int make(struct deploy_run *run, const struct deploy_step *step, long vmid, const char *path,
		const struct pve_param *params, const char *what, struct error *err)
{
	CLEANUP(json_free_p) struct json *upid = NULL;
	CLEANUP(free_p) char *exit = NULL;
	struct error ignored = { 0 };

	if (deploy_record(run, vmid, step->node->name, err) < 0)
		return -1;
	if (deploy_call(run, "POST", path, params, NULL, &upid, err) == 0 &&
	    pve_exec_wait(&run->exec, upid, what, &exit, err) == 0)
		return 0;
	CLEANUP(free_p) char *volume = vmid_left_over(err->private.text, deploy_storages(run, step)->disks);
	bool taken = vmid_is_taken(err->private.text);
	if (exit && pve_exec_worker_died(exit))
		note_broken(run, step, vmid);
	if (volume)
		skip(run, step, vmid, volume, err);
	if (taken && step->node->vmid)
		run->exec.again = false;
	if (taken || volume)
		(void)!deploy_unrecord(run, vmid, &ignored);
	return -1;
}

/* Makes a guest with the first VMID that can be used. */
static int make_any(struct deploy_run *run, const struct deploy_step *step,
		    int (*one)(struct deploy_run *, const struct deploy_step *, long, struct error *),
		    struct error *err)
{
	for (;;) {
		long vmid;
		if (pick(run, step, &vmid, err) < 0)
			return -1;
		int rc = one(run, step, vmid, err);
		if (!vmid_list_has(&run->skipped, vmid) || run->skipped.n > SKIPPED_MAX)
			return rc;
	}
}

static char *notes_of(const struct deploy_run *run, const struct deploy_step *step, long vmid, const char *image)
{
	struct deploy_notes mark = deploy_mark(run, step);

	mark.vmid = vmid;
	snprintf(mark.image, sizeof mark.image, "%s", image);
	CLEANUP(free_p) char *line = deploy_notes_line(&mark, run->order->secret->notes_key);
	return xasprintf("Node %s of cluster %s, made by `nodekiln deploy`; `nodekiln destroy` removes it.\n\n%s",
			 mark.node, mark.cluster, line);
}

static int clone_one(struct deploy_run *run, const struct deploy_step *step, long vmid, struct error *err)
{
	const struct target *t = &run->order->cluster->target;
	struct pve_param params[PARAMS_MAX] = { { 0 } };
	CLEANUP(deploy_template_done) struct deploy_template template = { 0 };
	CLEANUP(text_done) struct text words = { 0 };
	size_t n = 0;

	if (deploy_template_find(run->exec.pve, run->order, step->node, step->pve_node, &template, err) < 0) {
		run->exec.again = pve_failure(run->exec.pve) == PVE_UNREACHABLE;
		return -1;
	}
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld/clone", step->pve_node, template.vmid);
	CLEANUP(free_p) char *what = xasprintf("clone VM %ld as %ld", template.vmid, vmid);
	CLEANUP(free_p) char *number = xasprintf("%ld", vmid), *notes = notes_of(run, step, vmid, template.sha256);
	deploy_template_text(&template, &words);
	log_info("node %s: VM %ld on %s is a clone of %s", step->node->name, vmid, step->pve_node, words.data);
	params[n++] = (struct pve_param){ "newid", number };
	params[n++] = (struct pve_param){ "name", step->node->name };
	params[n++] = (struct pve_param){ "description", notes };
	params[n++] = (struct pve_param){ "pool", t->pool };
	params[n++] = (struct pve_param){ "full", run->order->full ? "1" : "0" };
	if (run->order->full)
		params[n++] = (struct pve_param){ "storage", deploy_storages(run, step)->disks };
	return make(run, step, vmid, path, params, what, err);
}

int deploy_exec_clone(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return make_any(run, step, clone_one, err);
}

static char *card(const struct cluster_node *n, const struct target *t)
{
	CLEANUP(text_done) struct text net = { 0 };

	text_addf(&net, "name=eth0,bridge=%s", t->bridge);
	if (t->vlan)
		text_addf(&net, ",tag=%ld", t->vlan);
	text_addf(&net, ",ip=%s", n->address ? n->address : "dhcp");
	if (n->gateway)
		text_addf(&net, ",gw=%s", n->gateway);
	return text_take(&net);
}

/* A token can only make unprivileged containers, and only root can load modules. */
static void warn_unprivileged(const struct deploy_step *step, long vmid)
{
	log_warning("CT %ld (%s) is unprivileged, as a token makes them: it runs Kubernetes 1.22 or later, and "
		    "its host needs the modules; as root on %s: modprobe -a overlay br_netfilter",
		    vmid, step->node->name, step->pve_node);
}

static void join(const struct strings *words, const char *between, struct text *ret)
{
	for (size_t i = 0; i < words->n; i++)
		text_addf(ret, "%s%s", i ? between : "", words->at[i]);
}

static size_t fill_ct(const struct deploy_run *run, const struct deploy_step *step, struct strings *values,
		      struct pve_param *params)
{
	const struct cluster *c = run->order->cluster;
	const struct target_storages *storages = deploy_storages(run, step);
	const struct cluster_size *size = &step->node->size;
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(free_p) char *volume = deploy_notes_volume(&mark, ".tar.zst"), *net = card(step->node, &c->target);
	CLEANUP(text_done) struct text keys = { 0 }, servers = { 0 };
	/* kubelet refuses swap. */
	const char *names[] = { "ostemplate", "rootfs",          "net0",       "cores",
				"memory",     "ssh-public-keys", "nameserver", "swap" };
	size_t n = 0;

	join(&run->keys, "\n", &keys);
	join(&step->node->nameservers, " ", &servers);
	strings_addf(values, "%s:vztmpl/%s", storages->vztmpl, volume);
	strings_addf(values, "%s:%llu", storages->disks, (size->disk + GIB - 1) / GIB);
	strings_add(values, net);
	strings_addf(values, "%ld", size->cores);
	strings_addf(values, "%llu", size->memory >> 20);
	strings_add(values, keys.len ? keys.data : "0");
	strings_add(values, servers.len ? servers.data : "0");
	strings_add(values, "0");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(values->at[i], "0") != 0 || !strcmp(names[i], "swap"))
			params[n++] = (struct pve_param){ names[i], values->at[i] };
	return n;
}

static int create_one(struct deploy_run *run, const struct deploy_step *step, long vmid, struct error *err)
{
	CLEANUP(strings_done) struct strings values = { 0 };
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/lxc", step->pve_node);
	struct pve_param params[PARAMS_MAX] = { { 0 } };
	CLEANUP(free_p) char *number = xasprintf("%ld", vmid), *notes = notes_of(run, step, vmid, "");
	CLEANUP(free_p) char *what = xasprintf("create CT %ld", vmid);
	size_t n = fill_ct(run, step, &values, params);
	params[n++] = (struct pve_param){ "vmid", number };
	params[n++] = (struct pve_param){ "hostname", step->node->name };
	params[n++] = (struct pve_param){ "description", notes };
	params[n++] = (struct pve_param){ "pool", run->order->cluster->target.pool };
	params[n++] = (struct pve_param){ "unprivileged", "1" };
	params[n++] = (struct pve_param){ "features", "nesting=1" };
	if (make(run, step, vmid, path, params, what, err) < 0)
		return -1;
	warn_unprivileged(step, vmid);
	return 0;
}

int deploy_exec_create(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	return make_any(run, step, create_one, err);
}
