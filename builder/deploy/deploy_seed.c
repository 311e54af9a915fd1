/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's token and the seed that contains it: creation and removal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/deploy/deploy_exec.h"
#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_space.h"
#include "builder/pve/roles.h"
#include "builder/seed/pki.h"
#include "builder/seed/seed_cloud.h"
#include "builder/seed/seed_network.h"
#include "builder/seed/seed_tarball.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/pve_upload.h"

#define COMMENT "made by nodekiln deploy, for one guest's first boot"

/* ---- the token ---- */

static char *token_path(const struct deploy_run *run, const char *name)
{
	return pve_path("/access/users/%s/token/%s", run->order->cluster->target.agent_user, name);
}

static void remember(struct deploy_run *run, const struct cluster_node *n, const char *secret)
{
	vec_push(&run->secrets, (struct deploy_secret){ n, xstrdup(secret) });
}

static const char *secret_of(const struct deploy_run *run, const struct cluster_node *n)
{
	for (size_t i = run->secrets.n; i > 0; i--)
		if (run->secrets.at[i - 1].node == n)
			return run->secrets.at[i - 1].token;
	return NULL;
}

/* The token expires, in case it is never deleted. */
int deploy_exec_token(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(json_free_p) struct json *answer = NULL;
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(free_p) char *name = deploy_notes_token(&mark), *path = token_path(run, name);
	CLEANUP(free_p)
	char *expire = xasprintf("%lld", (long long)time(NULL) + step->node->patience);
	const struct pve_param params[] = {
		{ "privsep", "1" }, { "expire", expire }, { "comment", COMMENT }, { NULL, NULL }
	};

	if (deploy_call(run, "POST", path, params, NULL, &answer, err) < 0) {
		run->exec.again = run->exec.again || pve_said(err, "already exists");
		return error_wrap(err, "make a token for node %s", step->node->name);
	}
	const char *secret = json_get_string(answer, "value");
	if (!secret)
		return error_set(err, ERROR_TARGET, "Proxmox VE created the token %s but did not return its secret",
				 name);
	remember(run, step->node, secret);
	return 0;
}

static int grant(struct deploy_run *run, const char *path, const struct role *role, const char *token,
		 struct error *err)
{
	const struct pve_param params[] = {
		{ "path", path }, { "roles", role->name }, { "tokens", token }, { "propagate", "0" }, { NULL, NULL }
	};

	if (deploy_call(run, "PUT", "/access/acl", params, NULL, NULL, err) == 0)
		return 0;
	return error_wrap(err, "give %s the role %s on %s", token, role->name, path);
}

/* Write access to its own guest, read access to the pool, where nodes find each other. */
int deploy_exec_grant(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(free_p) char *name = deploy_notes_token(&mark);
	CLEANUP(free_p) char *token = xasprintf("%s!%s", run->order->cluster->target.agent_user, name);
	CLEANUP(free_p) char *guest = xasprintf("/vms/%ld", step->vmid);
	CLEANUP(free_p) char *pool = role_guest_path(&run->order->cluster->target);

	if (grant(run, guest, &role_agent, token, err) < 0)
		return -1;
	return grant(run, pool, &role_peer, token, err);
}

static int ungrant_one(struct deploy_run *run, const struct json *entry, const char *token, struct error *err)
{
	const struct pve_param params[] = { { "path", json_get_string(entry, "path") },
					    { "roles", json_get_string(entry, "roleid") },
					    { "tokens", token },
					    { "delete", "1" },
					    { NULL, NULL } };

	if (!params[0].value || !params[1].value ||
	    deploy_call(run, "PUT", "/access/acl", params, NULL, NULL, err) == 0 || pve_said(err, "no such token"))
		return 0;
	return error_wrap(err, "take the role %s on %s from %s", params[1].value, params[0].value, token);
}

/* PVE keeps the entries of a token that is deleted: until its file is written again, each of its commands warns of them. The list has
 * the entries that this run's token may change. */
static int ungrant(struct deploy_run *run, const char *name, struct error *err)
{
	CLEANUP(free_p) char *token = xasprintf("%s!%s", run->order->cluster->target.agent_user, name);
	CLEANUP(json_free_p) struct json *list = NULL;

	if (pve_get_retry(run->exec.pve, "/access/acl", NULL, &list, err) < 0)
		return pve_exec_failed(&run->exec);
	for (size_t i = 0; i < json_count(list); i++)
		if (text_same(json_get_string(json_at(list, i), "ugid"), token) &&
		    text_same(json_get_string(json_at(list, i), "type"), "token") &&
		    ungrant_one(run, json_at(list, i), token, err) < 0)
			return -1;
	return 0;
}

int deploy_exec_revoke(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(free_p) char *path = token_path(run, step->name);

	if (ungrant(run, step->name, err) < 0)
		return -1;
	if (deploy_call(run, "DELETE", path, NULL, NULL, NULL, err) == 0 || pve_said(err, "no such token"))
		return 0;
	return error_wrap(err, "delete the token %s", step->name);
}

/* ---- the seed ---- */

static int node_text(struct deploy_run *run, const struct deploy_step *step, struct text *ret, struct error *err)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(free_p) char *name = deploy_notes_token(&mark);
	CLEANUP(free_p) char *id = xasprintf("%s!%s", run->order->cluster->target.agent_user, name);
	const struct node_pki *pki = &run->secret->pki;
	CLEANUP(node_pki_done) struct node_pki own = { 0 };
	long seconds = step->node->patience > PKI_NODE_SECONDS ? step->node->patience : PKI_NODE_SECONDS;
	const struct cluster_identity identity = {
		.pki = pki->ca ? &own : NULL,
		.token = run->secret->token,
		.certificate_key = run->secret->certificate_key,
		.pve_token_id = id,
		.pve_token_secret = secret_of(run, step->node),
		.vmid = step->vmid,
	};

	run->exec.again = true;
	if (!identity.pve_token_secret)
		return error_set(err, ERROR_FAILED, "node %s: the secret of its token is not known", mark.node);
	run->exec.again = false;
	if (pki->ca && pki_for_node(pki, step->node->role, step->node->name, seconds, &own, err) < 0)
		return -1;
	if (cluster_config(run->order->cluster, step->node, &identity, &node, err) < 0)
		return -1;
	node_config_print(&node, true, ret);
	return 0;
}

static int make_iso(struct deploy_run *run, const struct cluster_node *n, const struct text *node, struct text *ret,
		    struct error *err)
{
	CLEANUP(text_done) struct text user_data = { 0 }, network = { 0 };
	struct seed seed = { .hostname = n->name, .keys = run->keys, .node = node->data }; /* borrows */
	const struct seed_network addresses = {
		.address = n->address, .gateway = n->gateway, .nameservers = n->nameservers /* borrows */
	};

	if (seed_network_config(&addresses, &network, err) < 0 ||
	    seed_cloud_config(&seed, NULL, NULL, &user_data, err) < 0)
		return -1;
	seed.user_data = user_data.data;
	seed.network_config = network.len ? network.data : NULL;
	CLEANUP(free_p) char *instance = seed_instance_id(&seed);
	seed.instance_id = instance;
	return seed_iso(&seed, ret, err);
}

static int in_memory(const struct text *bytes, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("nodekiln-seed", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, bytes->data, bytes->len) < 0)
		return error_errno(err, errno, "keep a seed in memory");
	return TAKE_FD(fd);
}

static int open_iso(struct deploy_run *run, const struct cluster_node *n, const struct text *node, struct error *err)
{
	CLEANUP(text_done) struct text iso = { 0 };

	if (make_iso(run, n, node, &iso, err) < 0)
		return -1;
	int fd = in_memory(&iso, err);
	text_wipe(&iso);
	return fd;
}

/* The tarball is as large as an image, so it is written to an unnamed file, which disappears with the process. */
static int open_tarball(struct deploy_run *run, const struct text *node, struct error *err)
{
	const struct cluster *c = run->order->cluster;
	CLEANUP(free_p) char *path = cluster_path_of(c->file, c->container);
	CLEANUP(close_p) int base = input_open(path, err);
	CLEANUP(close_p) int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (base < 0)
		return -1;
	if (fd < 0)
		return error_errno(err, errno, "make a file in /var/tmp");
	if (seed_tarball(base, path, node, fd, err) < 0)
		return -1;
	return TAKE_FD(fd);
}

static void progress(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done, total);
}

/* Uploads and waits until PVE has placed the file. An existing one of the same name is overwritten. */
static int upload(struct deploy_run *run, const char *pve_node, const char *storage, const char *content,
		  const char *name, int fd, char *phase, struct error *err)
{
	CLEANUP(free_p) char *upid = NULL, *what = xasprintf("upload %s", name);
	struct stat st;
	struct pve_upload u = { .node = pve_node, .storage = storage, .content = content, .name = name, .fd = fd };

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "stat a seed");
	if (sha256_fd(fd, u.sha256, err) < 0)
		return -1;
	u.size = (uint64_t)st.st_size;
	u.progress = phase ? progress : NULL;
	u.context = phase;
	if (pve_upload(run->exec.pve, &u, &upid, err) < 0) {
		run->exec.again =
			pve_failure(run->exec.pve) == PVE_UNREACHABLE || pve_failure(run->exec.pve) == PVE_BUSY;
		if (pve_space_is_out(err->private.text))
			err->class = ERROR_SPACE;
		return error_wrap(err, "%s", what);
	}
	CLEANUP(json_free_p) struct json *answer = json_string(upid);
	if (deploy_wait(run, answer, what, err) == 0)
		return 0;
	if (!run->exec.again)
		pve_space_explain(run->exec.pve, pve_node, storage, u.size, err);
	return -1;
}

int deploy_exec_seed(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	const struct target_storages *storages = deploy_storages(run, step);
	const bool container = step->kind == PVE_LXC;
	struct deploy_notes mark = deploy_mark(run, step);
	CLEANUP(text_done) struct text node = { 0 };
	CLEANUP(free_p) char *name = deploy_notes_volume(&mark, container ? ".tar.zst" : ".iso");
	char phase[PHASE_NAME_MAX];

	deploy_phase(step, phase, sizeof phase);
	if (node_text(run, step, &node, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = container ? open_tarball(run, &node, err) : open_iso(run, step->node, &node, err);
	text_wipe(&node);
	if (fd < 0)
		return -1;
	return upload(run, step->pve_node, container ? storages->vztmpl : storages->seeds, container ? "vztmpl" : "iso",
		      name, fd, phase, err);
}

/* ---- removal ---- */

/* Overwrites a seed. Deleting needs a privilege that many administrators do not grant; overwriting does not, and it
 * removes the secrets as well. */
static int blank(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	CLEANUP(text_done) struct text zeros = { 0 };
	const char *colon = strchr(step->name, ':'), *slash = colon ? strchr(colon, '/') : NULL;
	CLEANUP(free_p) char *storage = xstrndup(step->name, colon ? (size_t)(colon - step->name) : 0);

	if (!slash)
		return error_set(err, ERROR_TARGET, "'%s' is not a volume", step->name);
	CLEANUP(free_p) char *content = xstrndup(colon + 1, (size_t)(slash - colon - 1));
	for (int i = 0; i < DEPLOY_BLANK; i++)
		text_addn(&zeros, "", 1);
	CLEANUP(close_p) int fd = in_memory(&zeros, err);
	if (fd < 0 || upload(run, step->pve_node, storage, content, slash + 1, fd, NULL, err) < 0)
		return -1;
	progress_notice(
		"%s was overwritten and stays: the token may not delete it (Datastore.Allocate on /storage/%s); as "
		"root on %s: pvesm free %s",
		step->name, storage, step->pve_node, step->name);
	return 0;
}

int deploy_exec_discard(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	const char *colon = strchr(step->name, ':');
	CLEANUP(free_p) char *storage = xstrndup(step->name, colon ? (size_t)(colon - step->name) : 0);
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage/%s/content/%s", step->pve_node, storage, step->name);
	CLEANUP(free_p) char *what = xasprintf("delete %s", step->name);

	if (!run->order->may_discard)
		return blank(run, step, err);
	return deploy_call(run, "DELETE", path, NULL, what, NULL, err);
}
