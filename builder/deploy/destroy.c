/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a cluster: its guests, seeds, tokens and secrets. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/deploy/deploy_adopt.h"
#include "builder/deploy/deploy_check.h"
#include "builder/deploy/deploy_hidden.h"
#include "builder/deploy/deploy_kubeconfig.h"
#include "builder/deploy/deploy_session.h"
#include "builder/progress/progress.h"

static bool is_wanted(const struct deploy_session *job, const char *node)
{
	return !job->options->nodes.n || strings_has(&job->options->nodes, node);
}

/* With --node, removes the other nodes from the state. */
static void keep_wanted(const struct deploy_session *job, struct deploy_state *s)
{
	struct deploy_state all = *s;

	s->guests.n = s->volumes.n = s->tokens.n = 0;
	for (size_t i = 0; i < all.guests.n; i++)
		if (is_wanted(job, all.guests.at[i].mark.node))
			s->guests.at[s->guests.n++] = all.guests.at[i];
		else
			deploy_guest_done(&all.guests.at[i]);
	for (size_t i = 0; i < all.volumes.n; i++)
		if (is_wanted(job, all.volumes.at[i].mark.node))
			s->volumes.at[s->volumes.n++] = all.volumes.at[i];
		else
			deploy_volume_done(&all.volumes.at[i]);
	for (size_t i = 0; i < all.tokens.n; i++)
		if (is_wanted(job, all.tokens.at[i].mark.node))
			s->tokens.at[s->tokens.n++] = all.tokens.at[i];
		else
			deploy_token_done(&all.tokens.at[i]);
}

/* What a dry run would otherwise not show: a guest that stays because the token cannot see it. */
static void report_hidden(struct deploy_session *job, const struct deploy_state *s)
{
	const struct seed_made *hidden = deploy_hidden_find(s, deploy_session_secret(job), NULL, &job->options->nodes);
	struct error why = { 0 };

	if (hidden && !s->tasks.n && deploy_hidden_refuse(job, hidden, &why) < 0)
		progress_notice("%s", why.text);
}

static int check_state(struct deploy_session *job, struct deploy_run *run, struct deploy_state *s,
		       struct error *err UNUSED)
{
	if (!run)
		report_hidden(job, s);
	keep_wanted(job, s);
	deploy_session_report(job, s);
	return 0;
}

static int check_nodes(const struct deploy_options *o, const struct cluster *c, struct error *err)
{
	for (size_t i = 0; i < o->nodes.n; i++)
		if (!cluster_find(c, o->nodes.at[i]))
			return error_set(err, ERROR_USAGE, "--node %s: %s has no such node", o->nodes.at[i],
					 o->cluster);
	return 0;
}

/* Seeds that were overwritten and stay, because the token may not delete them. Returns their number. */
static size_t tell_blanks(const struct deploy_session *job, const struct deploy_state *s, struct text *said)
{
	size_t n = 0;

	for (size_t i = 0; i < s->volumes.n; i++) {
		const struct deploy_volume *v = &s->volumes.at[i];
		if (strcmp(v->mark.key, job->order.key) != 0 || v->size != DEPLOY_BLANK)
			continue;
		text_addf(said,
			  "%s stays on %s, overwritten: the token may not delete it; as root there: pvesm free %s\n",
			  v->volid, v->pve_node, v->volid);
		n++;
	}
	return n;
}

/* Their names have the key of the cluster's notes: with it, another deploy uses them again, and another destroy deletes them. */
static void forget_all_but_key(struct deploy_session *job)
{
	struct seed_secret *s = deploy_session_secret(job);
	CLEANUP(wipe_p) char *key = xstrdup_or_null(s->notes_key);

	seed_secrets_forget(&job->secrets, s);
	deploy_session_secret(job)->notes_key = TAKE(key);
}

/* Removes the cluster's secrets, and deletes the file when no cluster is left in it. */
static int forget_secrets(struct deploy_session *job, struct text *said, struct error *err)
{
	/* `nodekiln seed` made them: deploy has a key of notes. */
	if (!deploy_session_secret(job)->notes_key) {
		text_addf(said, "cluster %s: nothing is there\n", job->cluster.name);
		return 0;
	}
	if (deploy_kubeconfig_remove(job, err) < 0)
		return -1;
	if (job->blanks)
		forget_all_but_key(job);
	else
		seed_secrets_forget(&job->secrets, deploy_session_secret(job));
	if (seed_secrets_save(&job->secrets, err) < 0)
		return -1;
	if (seed_secrets_are_empty(&job->secrets))
		unlink(job->secrets_file);
	text_addf(said, "cluster %s: nothing %sis left\n", job->cluster.name, job->blanks ? "else " : "");
	return 0;
}

/* ---- guests that are not known as the cluster's ---- */

static int refuse_stranger(const struct deploy_session *job, const struct deploy_guest *g, struct error *err)
{
	CLEANUP(free_p) char *word = deploy_adopt_word(g);

	return error_set(
		err, ERROR_TARGET,
		"%s knows no guest of cluster %s%s, so nothing proves that guest %ld on %s is its node %s, as the "
		"guest says: name the file that it was made with (--secrets); when it is from before guests were "
		"signed, run `nodekiln deploy %s %s` first; or remove it by hand",
		job->secrets_file, job->cluster.name, job->fresh ? "" : " that is here", g->vmid, g->pve_node,
		g->mark.node, job->options->cluster, word);
}

/* The target may be another one, or the file. */
static int refuse_absence(const struct deploy_session *job, const struct seed_made *made, struct error *err)
{
	return error_set(
		err, ERROR_TARGET,
		"%s records guest %ld as node %s of cluster %s, but the token sees none of the cluster's "
		"guests on the target's nodes, so nothing is removed: name the target and the file (--secrets) "
		"that it was made with; when its guests were removed by hand, delete the file",
		job->secrets_file, made->vmid, made->node, job->cluster.name);
}

/* Something of the cluster is there, or was until an earlier run removed it. */
static bool is_proven(const struct deploy_session *job, const struct deploy_state *s)
{
	const struct seed_secret *secret = job->order.secret;

	for (size_t i = 0; i < s->guests.n; i++)
		if (s->guests.at[i].claim != DEPLOY_STRANGER)
			return true;
	for (size_t i = 0; i < s->volumes.n; i++)
		if (!strcmp(s->volumes.at[i].mark.key, job->order.key))
			return true;
	for (size_t i = 0; i < s->tokens.n; i++)
		if (!strcmp(s->tokens.at[i].mark.key, job->order.key))
			return true;
	for (size_t i = 0; i < secret->made.n; i++)
		if (secret->made.at[i].removing && is_wanted(job, secret->made.at[i].node))
			return true;
	return false;
}

/* The file of secrets may be another cluster's of the same name: then it says nothing about the guests that are here, and has to
 * stay. */
static int check_record(struct deploy_session *job, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };
	const struct seed_secret *secret = deploy_session_secret(job);

	if (deploy_session_look(job, &state, err) < 0)
		return -1;
	keep_wanted(job, &state);
	if (*job->order.key && is_proven(job, &state))
		return 0;
	if (state.guests.n)
		return refuse_stranger(job, &state.guests.at[0], err);
	/* A guest without identity was never seen. */
	for (size_t i = 0; i < secret->made.n && !job->options->nodes.n; i++)
		if (secret->made.at[i].identity)
			return refuse_absence(job, &secret->made.at[i], err);
	return 0;
}

/* Guests that were made by the cluster's deployer and that stay, because it could not be proven any more. One that lost its
 * signature is reported once: its record goes. */
static int check_rest(struct deploy_session *job, const struct deploy_run *run, struct text *said, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };
	const struct deploy_guest *left = NULL;

	if (deploy_session_look(job, &state, err) < 0)
		return -1;
	keep_wanted(job, &state);
	for (size_t i = 0; i < state.guests.n; i++) {
		const struct deploy_guest *g = &state.guests.at[i];
		if (g->claim == DEPLOY_LOST)
			seed_secrets_unrecord(&job->secrets, deploy_session_secret(job), g->vmid);
		if (g->claim == DEPLOY_LOST || g->claim == DEPLOY_UNRECORDED)
			left = g;
	}
	if (seed_secrets_save(&job->secrets, err) < 0)
		return -1;
	job->blanks = tell_blanks(job, &state, said);
	const struct seed_made *hidden =
		deploy_hidden_find(&state, deploy_session_secret(job), &run->broken, &job->options->nodes);
	if (!left)
		return hidden ? deploy_hidden_refuse(job, hidden, err) : 0;
	CLEANUP(free_p) char *word = deploy_adopt_word(left);
	return error_set(
		err, ERROR_TARGET,
		"guest %ld on %s stays: it seems to be node %s, but %s; look at it, and remove it by hand, or adopt "
		"it (`nodekiln deploy %s %s`) and destroy again",
		left->vmid, left->pve_node, left->mark.node,
		left->claim == DEPLOY_LOST ? "the signed line in its notes was changed or removed"
					   : "the file of secrets does not know it",
		job->options->cluster, word);
}

static void report(const struct deploy_session *job, const struct deploy_run *run)
{
	CLEANUP(json_free_p) struct json *result = json_object();

	json_put_string(result, "cluster", job->cluster.name);
	json_put_strings(result, "removed", &run->removed);
	progress_result(result);
}

static int work(struct deploy_session *job, struct deploy_run *run, struct text *said, struct error *err)
{
	const struct deploy_options *o = job->options;
	struct target_check target = { .pve = job->pve, .target = &job->cluster.target };

	run->order = &job->order;
	run->exec.pve = job->pve;
	run->kept = &job->secrets;
	run->secret = deploy_session_secret(job);
	if (check_nodes(o, &job->cluster, err) < 0 ||
	    deploy_check_discard(&target, &job->cluster, &job->order.may_discard, err) < 0)
		return -1;
	if (check_record(job, err) < 0)
		return -1;
	if (o->dry_run)
		return deploy_session_print_plan(job, said, err);
	if (!o->yes)
		return error_set(err, ERROR_USAGE,
				 "destroy removes guests with their disks; --dry-run shows which, --yes confirms "
				 "it");
	if (deploy_session_work(job, run, err) < 0)
		return error_wrap(err, "cluster %s", job->cluster.name);
	if (check_rest(job, run, said, err) < 0)
		return error_wrap(err, "cluster %s", job->cluster.name);
	if (!o->nodes.n && forget_secrets(job, said, err) < 0)
		return -1;
	report(job, run);
	if (!o->nodes.n)
		return 0;
	text_addf(said, "cluster %s: these nodes are removed\n", job->cluster.name);
	return 0;
}

int destroy_run(const struct deploy_options *options, struct text *ret_said, struct error *err)
{
	CLEANUP(deploy_session_done)
	struct deploy_session job = { .secrets.lock = -1, .plan = destroy_plan, .check_state = check_state };
	CLEANUP(deploy_run_done) struct deploy_run run = { 0 };

	if (deploy_session_open(&job, options, err) < 0)
		return -1;
	return work(&job, &run, ret_said, err);
}
