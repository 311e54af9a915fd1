/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy.h"

#include <stdlib.h>
#include <string.h>

#include "builder/deploy/deploy_adopt.h"
#include "builder/deploy/deploy_check.h"
#include "builder/deploy/deploy_hidden.h"
#include "builder/deploy/deploy_kubeconfig.h"
#include "builder/deploy/deploy_session.h"
#include "builder/progress/progress.h"
#include "builder/seed/seed.h"

#define STRANGER_LOOKS 5 /* looks until another deployer should have yielded */
#define HIDDEN_LOOKS 3   /* looks until each node of Proxmox VE should show what another one has made */

static bool is_made(const struct seed_secret *secret, const char *node)
{
	for (size_t i = 0; i < secret->made.n; i++)
		if (!strcmp(secret->made.at[i].node, node))
			return true;
	return false;
}

/* A node that was made has its network. */
static int check_networks(const struct deploy_session *job, struct error *err)
{
	const struct cluster *c = &job->cluster;

	for (size_t i = 0; i < c->nodes.n; i++)
		if (!is_made(job->order.secret, c->nodes.at[i].name) && cluster_check_network(c, i, err) < 0)
			return -1;
	return 0;
}

/* In a dry run, says which templates would be cloned. */
static int check(struct deploy_session *job, struct text *said, struct error *err)
{
	CLEANUP(deploy_check_done) struct deploy_check c = { 0 };
	CLEANUP(free_p) char *made = NULL;

	if (target_open_notes_key(&job->cluster.target, false, &made, err) < 0 ||
	    deploy_check(job->pve, &job->order, &c, err) < 0)
		return -1;
	job->order.may_discard = c.may_discard;
	for (size_t i = 0; job->options->dry_run && i < c.chosen.n; i++)
		text_addf(said, "%s\n", c.chosen.at[i]);
	return target_check_report(&c.of, "the cluster", err);
}

/* ---- another deployer ---- */

static bool has_started(const struct deploy_state *s)
{
	for (size_t i = 0; i < s->guests.n; i++)
		if (s->guests.at[i].claim == DEPLOY_OURS && s->guests.at[i].running)
			return true;
	return false;
}

/* Removes the guests that this run made, unless one of them has been started. */
static int give_way(struct deploy_session *job, struct deploy_run *run, const struct deploy_state *s, struct error *err)
{
	CLEANUP(deploy_steps_done) struct deploy_steps steps = { 0 };

	if (!has_started(s))
		destroy_plan(&job->order, s, &steps);
	for (size_t i = 0; i < steps.n; i++)
		if (deploy_exec(run, &steps.at[i], err) < 0)
			return -1;
	return 0;
}

static int refuse_stranger(const struct deploy_session *job, const struct deploy_guest *g, struct error *err)
{
	CLEANUP(free_p) char *word = deploy_adopt_word(g);

	return error_set(
		err, ERROR_TARGET,
		"there is a cluster %s with other secrets than those in %s (guest %ld on %s says so, its node %s): "
		"name "
		"the file it was made with (--secrets), give this cluster another name, or, when the guest is this "
		"cluster's, but from before guests were signed, adopt it (%s)",
		job->cluster.name, job->secrets_file, g->vmid, g->pve_node, g->mark.node, word);
}

static int refuse_guest(const struct deploy_session *job, const struct deploy_guest *g, const char *why,
			struct error *err)
{
	CLEANUP(free_p) char *word = deploy_adopt_word(g);

	return error_set(
		err, ERROR_TARGET,
		"guest %ld on %s is node %s of cluster %s, but %s: look at it; when it is sound, adopt it (%s), "
		"else remove it by hand",
		g->vmid, g->pve_node, g->mark.node, job->cluster.name, why, word);
}

/* A guest that is hidden while a task of ours runs is being made. */
static int check_hidden(struct deploy_session *job, struct deploy_run *run, const struct deploy_state *s,
			struct error *err)
{
	const struct seed_made *made =
		s->tasks.n ? NULL : deploy_hidden_find(s, job->order.secret, run ? &run->broken : NULL, &job->names);

	if (!made)
		return 0;
	if (run)
		run->exec.again = job->hidden_looks++ < HIDDEN_LOOKS;
	return deploy_hidden_refuse(job, made, err);
}

/* Guests that must not be made a second time. */
static int check_own(const struct deploy_session *job, const struct deploy_state *s, struct error *err)
{
	const struct deploy_guest *lost = s->tasks.n ? NULL : deploy_state_first(s, DEPLOY_LOST);

	if (lost)
		return refuse_guest(job, lost, "the signed line in its notes was changed or removed", err);
	for (size_t i = 0; i < s->guests.n; i++) {
		const struct deploy_guest *g = &s->guests.at[i];
		if (g->claim == DEPLOY_UNRECORDED && cluster_find(&job->cluster, g->mark.node) &&
		    !deploy_plan_guest(s, g->mark.node))
			return refuse_guest(job, g,
					    "the file of secrets does not know it; it may be an old copy, or the VMID "
					    "may be another guest's now",
					    err);
	}
	return 0;
}

/* Two deployers that began at once see each other after they have made their guests. The one with the
 * lowest VMID waits a little for the other to yield, then continues; it yields itself when the other does
 * not. Once a cluster was made, others that take its name in their notes do not stop it. */
static int check_strangers(struct deploy_session *job, struct deploy_run *run, struct deploy_state *s,
			   struct error *err)
{
	const struct deploy_guest *stranger = deploy_state_first(s, DEPLOY_STRANGER);
	const struct deploy_guest *own = deploy_state_first(s, DEPLOY_OURS);

	if (check_own(job, s, err) < 0 || check_hidden(job, run, s, err) < 0)
		return -1;
	if (!stranger || !job->fresh) {
		deploy_session_report(job, s);
		return 0;
	}
	if (!run || !job->made || !own)
		return refuse_stranger(job, stranger, err);
	if (own->vmid < stranger->vmid && job->waits++ < STRANGER_LOOKS) {
		run->exec.again = true;
		return error_set(err, ERROR_TARGET, "another deployer creates cluster %s too", job->cluster.name);
	}
	if (give_way(job, run, s, err) < 0)
		return -1;
	run->exec.again = false;
	return refuse_stranger(job, stranger, err);
}

/* ---- the work ---- */

static int read_keys(const struct cluster *c, struct strings *ret, struct error *err)
{
	for (size_t i = 0; i < c->ssh_keys.n; i++) {
		CLEANUP(free_p) char *path = cluster_path_of(c->file, c->ssh_keys.at[i]);
		if (seed_read_keys(path, ret, err) < 0)
			return -1;
	}
	return 0;
}

/* They are saved before any guest gets them (deploy_session_work()), and not by a run that is refused. */
static int make_secrets(struct deploy_session *job, struct deploy_run *run, struct error *err)
{
	struct seed_secret *s = deploy_session_secret(job);

	if (job->cluster.kubeadm_pki && s->pki.ca)
		return error_set(err, ERROR_INPUT,
				 "%s: pki is kubeadm, but cluster %s has the PKI in %s; remove the key, or make the "
				 "cluster again",
				 job->cluster.file, job->cluster.name, job->secrets_file);
	if (seed_secrets_by_token(s, job->cluster.kubeadm_pki))
		seed_secrets_generate(&job->secrets, s);
	else if (seed_secrets_generate_pki(&job->secrets, s, err) < 0)
		return -1;
	seed_secrets_generate_notes_key(&job->secrets, s);
	deploy_notes_key(s->notes_key, job->order.key);
	run->kept = &job->secrets;
	run->secret = s;
	return 0;
}

static int print_result(struct deploy_session *job, struct text *said, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };
	CLEANUP(json_free_p) struct json *result = json_object();
	struct json *nodes = json_array();

	json_put_string(result, "cluster", job->cluster.name);
	json_put(result, "nodes", nodes);
	if (deploy_session_look(job, &state, err) < 0)
		return -1;
	for (size_t i = 0; i < job->cluster.nodes.n; i++) {
		const struct cluster_node *n = &job->cluster.nodes.at[i];
		const struct deploy_guest *g = deploy_plan_guest(&state, n->name);
		struct json *object = json_object();
		json_put_string(object, "name", n->name);
		json_put_string(object, "role", node_role_name(n->role));
		json_put_int(object, "vmid", g ? g->vmid : 0);
		json_put_string(object, "node", g ? g->pve_node : NULL);
		json_push(nodes, object);
		text_addf(said, "%s: %s %ld on %s, %s\n", n->name, n->kind == PVE_LXC ? "CT" : "VM", g ? g->vmid : 0,
			  g ? g->pve_node : "?", g ? node_record_state_name(g->record.state) : "gone");
	}
	progress_result(result);
	return deploy_kubeconfig(job, &state, said, err);
}

static int work(struct deploy_session *job, struct deploy_run *run, struct text *said, struct error *err)
{
	if (check_networks(job, err) < 0 || read_keys(&job->cluster, &run->keys, err) < 0 ||
	    check(job, said, err) < 0 || make_secrets(job, run, err) < 0)
		return -1;
	run->order = &job->order;
	run->exec.pve = job->pve;
	if (deploy_adopt(job, said, err) < 0)
		return -1;
	if (job->options->dry_run)
		return job->options->adopt.n ? 0 : deploy_session_print_plan(job, said, err);
	if (deploy_session_work(job, run, err) < 0)
		return error_wrap(err, "cluster %s", job->cluster.name);
	return print_result(job, said, err);
}

int deploy_run(const struct deploy_options *options, struct text *ret_said, struct error *err)
{
	CLEANUP(deploy_session_done)
	struct deploy_session job = { .secrets.lock = -1, .plan = deploy_plan, .check_state = check_strangers };
	CLEANUP(deploy_run_done) struct deploy_run run = { 0 };

	if (deploy_session_open(&job, options, err) < 0)
		return -1;
	return work(&job, &run, ret_said, err);
}
