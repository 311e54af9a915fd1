/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_adopt.h"

#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_exec.h"
#include "builder/pve/pve_identity.h"
#include "builder/pve/pve_retry.h"
#include "lib/log.h"

struct adoption {
	const struct cluster_node *node; /* borrowed */
	long vmid;
	char *pve_node, *notes, *digest, *identity; /* owned; of the guest */
};

struct adoptions {
	struct adoption *at; /* owned */
	size_t n, max;
};

static void adoptions_done(struct adoptions *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->at[i].pve_node);
		free(a->at[i].notes);
		free(a->at[i].digest);
		free(a->at[i].identity);
	}
	vec_done(a);
}

char *deploy_adopt_word(const struct deploy_guest *g)
{
	return xasprintf("--adopt %s=%ld", g->mark.node, g->vmid);
}

/* ---- the option ---- */

/* "cp1=101" */
static int parse(const struct deploy_session *job, const char *word, struct adoption *ret, struct error *err)
{
	const char *sign = strchr(word, '=');
	CLEANUP(free_p) char *name = xstrndup(word, sign ? (size_t)(sign - word) : strlen(word));
	char *end = NULL;

	ret->node = cluster_find(&job->cluster, name);
	ret->vmid = sign ? strtol(sign + 1, &end, 10) : 0;
	if (!sign || *end || ret->vmid < TARGET_VMID_MIN || ret->vmid > TARGET_VMID_MAX)
		return error_set(err, ERROR_USAGE, "--adopt %s: it must be NODE=VMID, e.g. cp1=101", word);
	if (!ret->node)
		return error_set(err, ERROR_USAGE, "--adopt %s: %s has no node %s", word, job->options->cluster, name);
	if (ret->node->vmid && ret->node->vmid != ret->vmid)
		return error_set(err, ERROR_USAGE, "--adopt %s: %s says that node %s has the VMID %ld", word,
				 job->options->cluster, name, ret->node->vmid);
	return 0;
}

static const struct adoption *find(const struct adoptions *all, long vmid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].vmid == vmid)
			return &all->at[i];
	return NULL;
}

/* ---- the guest ---- */

static int find_guest(struct deploy_session *job, struct adoption *a, struct error *err)
{
	for (size_t i = 0; i < job->cluster.target.nodes.n; i++) {
		const char *pve_node = job->cluster.target.nodes.at[i].name;
		CLEANUP(free_p) char *path = pve_path("/nodes/%s/%s", pve_node, deploy_kind(a->node->kind));
		CLEANUP(json_free_p) struct json *list = NULL;
		if (pve_get_retry(job->pve, path, NULL, &list, err) < 0)
			return -1;
		for (size_t k = 0; k < json_count(list); k++) {
			int64_t vmid;
			if (!pve_get_int(json_at(list, k), "vmid", &vmid) || vmid != a->vmid)
				continue;
			a->pve_node = xstrdup(pve_node);
			return 0;
		}
	}
	return error_set(err, ERROR_TARGET, "--adopt %s=%ld: the target's nodes have no such %s that the token may see",
			 a->node->name, a->vmid, a->node->kind == PVE_LXC ? "container" : "VM");
}

static int read_guest(struct deploy_session *job, struct adoption *a, struct error *err)
{
	struct pve_guest guest = pve_exec_guest(a->pve_node, a->node->kind, a->vmid);
	CLEANUP(json_free_p) struct json *config = NULL;
	int64_t template = 0;

	if (pve_get_config_retry(job->pve, &guest, &config, err) < 0)
		return -1;
	if (json_get_string(config, "lock") || (pve_get_int(config, "template", &template) && template))
		return error_set(err, ERROR_TARGET, "--adopt %s=%ld: the guest is %s", a->node->name, a->vmid,
				 template ? "a template" : "locked; wait until its task has ended");
	a->notes = json_dup_string(config, "description");
	a->digest = json_dup_string(config, "digest");
	a->identity = pve_identity(config, a->node->kind);
	return 0;
}

static int read_all(struct deploy_session *job, struct adoptions *ret, struct error *err)
{
	for (size_t i = 0; i < job->options->adopt.n; i++) {
		struct adoption a = { 0 };
		if (parse(job, job->options->adopt.at[i], &a, err) < 0)
			return -1;
		if (find(ret, a.vmid))
			return error_set(err, ERROR_USAGE, "--adopt %s: VMID %ld is named twice",
					 job->options->adopt.at[i], a.vmid);
		vec_push(ret, a);
		if (find_guest(job, &ret->at[i], err) < 0 || read_guest(job, &ret->at[i], err) < 0)
			return -1;
	}
	return 0;
}

/* A cluster of which some guests were adopted would be completed by new ones for the rest. */
static int check_complete(struct deploy_session *job, const struct adoptions *all, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };

	if (!job->fresh)
		return 0;
	if (deploy_session_look(job, &state, err) < 0)
		return -1;
	for (size_t i = 0; i < state.guests.n; i++) {
		const struct deploy_guest *g = &state.guests.at[i];
		CLEANUP(free_p) char *word = deploy_adopt_word(g);
		if (g->claim != DEPLOY_OURS && !find(all, g->vmid))
			return error_set(err, ERROR_USAGE,
					 "guest %ld on %s says that it is node %s of cluster %s, too: name all of the "
					 "cluster's guests in one call (%s), or remove its line from its notes",
					 g->vmid, g->pve_node, g->mark.node, job->cluster.name, word);
	}
	return 0;
}

/* ---- the work ---- */

static int adopt(struct deploy_session *job, const struct adoption *a, struct error *err)
{
	struct deploy_notes mark = {
		.cluster = job->cluster.name, .node = a->node->name, .vmid = a->vmid, .kind = a->node->kind
	};
	struct pve_guest guest = pve_exec_guest(a->pve_node, a->node->kind, a->vmid);
	struct seed_secret *secret = deploy_session_secret(job);

	memcpy(mark.key, job->order.key, sizeof mark.key);
	CLEANUP(free_p) char *line = deploy_notes_line(&mark, secret->notes_key);
	CLEANUP(free_p) char *notes = note_replace(a->notes ? a->notes : "", DEPLOY_NOTES_WORD, line);
	if (pve_guest_update(job->pve, &guest, a->digest,
			     (const struct pve_param[]){ { "description", notes }, { NULL, NULL } }, err) < 0)
		return error_wrap(err, "adopt guest %ld", a->vmid);
	seed_secrets_record(&job->secrets, secret, a->vmid, a->node->name, a->identity);
	log_info("guest %ld on %s is node %s of cluster %s now", a->vmid, a->pve_node, a->node->name,
		 job->cluster.name);
	return seed_secrets_save(&job->secrets, err);
}

int deploy_adopt(struct deploy_session *job, struct text *said, struct error *err)
{
	CLEANUP(adoptions_done) struct adoptions all = { 0 };

	if (!job->options->adopt.n)
		return 0;
	if (read_all(job, &all, err) < 0 || check_complete(job, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (job->options->dry_run)
			text_addf(said, "adopt guest %ld on %s as node %s\n", all.at[i].vmid, all.at[i].pve_node,
				  all.at[i].node->name);
		else if (adopt(job, &all.at[i], err) < 0)
			return -1;
	job->fresh = false;
	return 0;
}
