/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a cluster: its guests, seeds, tokens and secrets. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/deploy/deploy_check.h"
#include "builder/deploy/deploy_session.h"
#include "builder/progress/progress.h"

static bool is_wanted(const struct deploy_session *job, const struct deploy_notes *mark)
{
	return !job->options->nodes.n || strings_has(&job->options->nodes, mark->node);
}

/* With --node, removes the other nodes from the state. */
static void keep_wanted(const struct deploy_session *job, struct deploy_state *s)
{
	struct deploy_state all = *s;

	s->guests.n = s->volumes.n = s->tokens.n = 0;
	for (size_t i = 0; i < all.guests.n; i++)
		if (is_wanted(job, &all.guests.at[i].mark))
			s->guests.at[s->guests.n++] = all.guests.at[i];
		else
			deploy_guest_done(&all.guests.at[i]);
	for (size_t i = 0; i < all.volumes.n; i++)
		if (is_wanted(job, &all.volumes.at[i].mark))
			s->volumes.at[s->volumes.n++] = all.volumes.at[i];
		else
			deploy_volume_done(&all.volumes.at[i]);
	for (size_t i = 0; i < all.tokens.n; i++)
		if (is_wanted(job, &all.tokens.at[i].mark))
			s->tokens.at[s->tokens.n++] = all.tokens.at[i];
		else
			deploy_token_done(&all.tokens.at[i]);
}

static int check_state(struct deploy_session *job, struct deploy_run *run UNUSED, struct deploy_state *s,
		       struct error *err UNUSED)
{
	const struct deploy_guest *stranger = deploy_plan_stranger(&job->order, s);

	if (stranger && !job->waits++)
		progress_notice("guest %ld on %s is of another cluster %s, with other secrets; it stays",
				stranger->vmid, stranger->pve_node, job->cluster.name);
	keep_wanted(job, s);
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

static void forget(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(TAKE(*secret));
}

/* Removes the cluster's secrets, and deletes the file when no cluster is left in it. */
static int forget_secrets(struct deploy_session *job, struct error *err)
{
	struct seed_secret *s = seed_secrets_of(&job->secrets, job->cluster.name);
	bool left = false;

	job->secrets.changed = job->secrets.changed || s->token || s->certificate_key;
	forget(&s->token);
	forget(&s->certificate_key);
	if (seed_secrets_save(&job->secrets, err) < 0)
		return -1;
	for (size_t i = 0; i < job->secrets.n; i++)
		left = left || job->secrets.at[i].token || job->secrets.at[i].certificate_key;
	if (!left)
		unlink(job->secrets_file);
	return 0;
}

static int work(struct deploy_session *job, struct deploy_run *run, struct text *said, struct error *err)
{
	const struct deploy_options *o = job->options;
	struct target_check target = { .pve = job->pve, .target = &job->cluster.target };

	run->order = &job->order;
	run->exec.pve = job->pve;
	if (check_nodes(o, &job->cluster, err) < 0 ||
	    deploy_check_discard(&target, &job->cluster, &job->order.may_discard, err) < 0)
		return -1;
	if (o->dry_run)
		return deploy_session_print_plan(job, said, err);
	if (!o->yes)
		return error_set(err, ERROR_USAGE,
				 "destroy removes guests with their disks; --dry-run shows which, --yes confirms "
				 "it");
	if (deploy_session_work(job, run, err) < 0)
		return error_wrap(err, "cluster %s", job->cluster.name);
	text_addf(said, "cluster %s: %s\n", job->cluster.name,
		  o->nodes.n ? "these nodes are removed" : "nothing is left");
	return o->nodes.n ? 0 : forget_secrets(job, err);
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
