/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_session.h"

#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/pve/pve_retry.h"
#include "builder/seed/seed_exposed.h"
#include "builder/seed/seed_wait.h"
#include "lib/log.h"

int deploy_session_open(struct deploy_session *job, const struct deploy_options *options, struct error *err)
{
	job->options = options;
	if (cluster_load(options->cluster, &job->cluster, err) < 0 || target_open(&job->cluster.target, err) < 0)
		return -1;
	for (size_t i = 0; i < job->cluster.nodes.n; i++)
		strings_add(&job->names, job->cluster.nodes.at[i].name);
	CLEANUP(free_p) char *name = xasprintf("%s.secrets", job->cluster.name);
	job->secrets_file = options->secrets ? xstrdup(options->secrets) : cluster_path_of(options->cluster, name);
	seed_warn_exposed(job->secrets_file);
	CLEANUP(free_p) char *wait = seed_wait_text(job->secrets_file);
	if (wait)
		progress_notice("%s", wait);
	if (seed_secrets_open(job->secrets_file, &job->secrets, err) < 0)
		return -1;
	job->order.cluster = &job->cluster;
	job->order.full = options->full;
	job->order.adopt = &options->adopt;
	job->order.now = time(NULL);
	const struct seed_secret *s = deploy_session_secret(job);
	job->order.secret = s;
	job->fresh = !s->made.n;
	if (s->notes_key)
		deploy_notes_key(s->notes_key, job->order.key);
	return target_connect(&job->cluster.target, NULL, &job->pve, err);
}

struct seed_secret *deploy_session_secret(struct deploy_session *job)
{
	return seed_secrets_of(&job->secrets, job->cluster.name);
}

static const char *const why_not[] = {
	[DEPLOY_STRANGER] = "nothing proves it",
	[DEPLOY_UNRECORDED] = "it is not recorded as made",
	[DEPLOY_LOST] = "its signature is gone",
};

void deploy_session_report(struct deploy_session *job, const struct deploy_state *s)
{
	for (size_t i = 0; i < s->guests.n && !job->noted; i++) {
		const struct deploy_guest *g = &s->guests.at[i];
		if (g->claim != DEPLOY_OURS)
			progress_notice(
				"guest %ld on %s says that it is node %s of cluster %s, but %s: it stays as it is",
				g->vmid, g->pve_node, g->mark.node, job->cluster.name, why_not[g->claim]);
	}
	job->noted = true;
}

static int record_identities(struct deploy_session *job, const struct deploy_state *s, struct error *err)
{
	struct seed_secret *secret = deploy_session_secret(job);
	bool seen = false;

	for (size_t i = 0; i < s->guests.n; i++) {
		const struct deploy_guest *g = &s->guests.at[i];
		if (g->claim != DEPLOY_OURS || !g->identity || g->locked ||
		    seed_secrets_made(secret, g->vmid)->identity)
			continue;
		seed_secrets_record(&job->secrets, secret, g->vmid, g->mark.node, g->identity);
		seen = true;
	}
	return job->options->dry_run || !seen ? 0 : seed_secrets_save(&job->secrets, err);
}

int deploy_session_look(struct deploy_session *job, struct deploy_state *ret, struct error *err)
{
	const struct deploy_search search = {
		.target = &job->cluster.target,
		.cluster = job->cluster.name,
		.names = &job->names,
		.secret = job->order.secret,
	};

	job->order.now = time(NULL);
	if (deploy_state_read(job->pve, &search, ret, err) < 0)
		return -1;
	return record_identities(job, ret, err);
}

static bool is_quiet(enum deploy_action act)
{
	return act == DEPLOY_WATCH || act == DEPLOY_PAUSE;
}

static int do_step(struct deploy_session *job, struct deploy_run *run, const struct deploy_step *step,
		   struct error *err)
{
	CLEANUP(text_done) struct text words = { 0 };
	char phase[PHASE_NAME_MAX];

	deploy_step_text(&job->order, step, &words);
	if (step->act != DEPLOY_PAUSE && pve_guard_begin(&run->exec.guard, words.data, err) < 0) {
		run->exec.again = false;
		return -1;
	}
	job->made = job->made || step->act == DEPLOY_CLONE || step->act == DEPLOY_CREATE;
	if (is_quiet(step->act)) {
		log_debug("%s", words.data);
		return deploy_exec(run, step, err);
	}
	deploy_phase(step, phase, sizeof phase);
	progress_begin(phase, "%s", words.data);
	int rc = deploy_exec(run, step, err);
	progress_end(phase, rc < 0 ? "%s, failed" : "%s", words.data);
	return rc;
}

/* The state is read again after guests have been created, and after a pause. */
static int do_steps(struct deploy_session *job, struct deploy_run *run, const struct deploy_steps *steps,
		    struct error *err)
{
	size_t n = steps->first ? steps->first : steps->n;

	run->steps = steps;
	for (size_t i = 0; i < n; i++) {
		if (do_step(job, run, &steps->at[i], err) < 0)
			return -1;
		if (steps->at[i].act == DEPLOY_PAUSE)
			break;
		pve_guard_done(&run->exec.guard);
	}
	return 0;
}

/* 1: there was nothing to do. */
static int pass(struct deploy_session *job, struct deploy_run *run, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };
	CLEANUP(deploy_steps_done) struct deploy_steps steps = { 0 };

	run->exec.again = false;
	pve_guard_look(&run->exec.guard);
	if (deploy_session_look(job, &state, err) < 0) {
		run->exec.again = pve_may_pass(pve_failure(job->pve));
		return -1;
	}
	if (job->check_state(job, run, &state, err) < 0)
		return -1;
	job->plan(&job->order, &state, &steps);
	/* What was refused so far has written no file of secrets. */
	if (steps.n && seed_secrets_save(&job->secrets, err) < 0)
		return -1;
	return steps.n ? do_steps(job, run, &steps, err) : 1;
}

int deploy_session_work(struct deploy_session *job, struct deploy_run *run, struct error *err)
{
	for (int i = 0; i < PVE_EXEC_STEPS_MAX; i++) {
		int rc = pass(job, run, err);
		if (rc == 1)
			return 0;
		if (rc == 0)
			continue;
		if (!run->exec.again)
			return -1;
		CLEANUP(free_p) char *why = error_full(err);
		log_info("%s; trying again", why);
		if (!pve_guard_again(&run->exec.guard))
			return -1;
	}
	return error_set(err, ERROR_TARGET, "it does not end; does something undo each step?");
}

int deploy_session_print_plan(struct deploy_session *job, struct text *said, struct error *err)
{
	CLEANUP(deploy_state_done) struct deploy_state state = { 0 };
	CLEANUP(deploy_steps_done) struct deploy_steps steps = { 0 };
	CLEANUP(json_free_p) struct json *result = json_object();
	struct strings list = { 0 };

	if (deploy_session_look(job, &state, err) < 0 || job->check_state(job, NULL, &state, err) < 0)
		return -1;
	job->plan(&job->order, &state, &steps);
	for (size_t i = 0; i < steps.n; i++) {
		CLEANUP(text_done) struct text words = { 0 };
		deploy_step_text(&job->order, &steps.at[i], &words);
		text_addf(said, "%s\n", words.data);
		strings_add(&list, words.data);
	}
	if (!steps.n)
		text_add(said, "nothing to do\n");
	json_put_strings(result, "plan", &list);
	strings_done(&list);
	progress_result(result);
	return 0;
}

void deploy_session_done(struct deploy_session *job)
{
	pve_close(job->pve);
	seed_secrets_close(&job->secrets);
	free(job->secrets_file);
	strings_done(&job->names);
	cluster_done(&job->cluster);
}
