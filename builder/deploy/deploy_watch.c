/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until nodes are ready: every node is a running phase of the progress report, a line of the table
 * on a terminal. */
#include <stdio.h>
#include <string.h>

#include "builder/deploy/deploy_exec.h"
#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "lib/clock.h"

#define NAP_FIRST 0.3 /* seconds; every request occupies one of PVE's three API workers */
#define NAP_LAST 5.0
#define MISSES_MAX 20 /* failures in a row because PVE does not answer */

static const char *state_of(const struct deploy_guest *g)
{
	return g->record.state == NODE_RECORD_UNKNOWN ? "starting" : node_record_state_name(g->record.state);
}

static const char *kind_of(const struct deploy_step *step)
{
	return step->kind == PVE_LXC ? "CT" : "VM";
}

static int failed(const struct deploy_step *step, const struct deploy_guest *g, struct error *err)
{
	return error_set(err, ERROR_FAILED,
			 "node %s (guest %ld on %s) failed: %s; its console and `journalctl -u nodekiln-agent` "
			 "show more. `nodekiln destroy CLUSTER.yaml --node %s` and another deploy create it again",
			 step->node->name, step->vmid, step->pve_node,
			 g->record.error ? g->record.error : "it does not say why", step->node->name);
}

static int too_late(const struct deploy_step *step, const char *state, struct error *err)
{
	return error_set(err, ERROR_FAILED,
			 "node %s (guest %ld on %s) is not ready after %ld minutes; it is %s. Look at its console; "
			 "another deploy continues to wait",
			 step->node->name, step->vmid, step->pve_node, step->node->patience / 60, state);
}

static struct deploy_watch *watch_of(struct deploy_run *run, const struct cluster_node *n)
{
	for (size_t i = 0; i < run->watches.n; i++)
		if (run->watches.at[i].node == n)
			return &run->watches.at[i];
	vec_push(&run->watches, (struct deploy_watch){ .node = n });
	return &run->watches.at[run->watches.n - 1];
}

/* Reports a changed state. Returns whether it has changed. */
static bool report_change(struct deploy_watch *w, const struct deploy_step *step, const struct deploy_guest *g)
{
	const char *state = state_of(g);
	char phase[PHASE_NAME_MAX];

	deploy_phase(step, phase, sizeof phase);
	if (!strcmp(state, w->state))
		return false;
	if (*w->state)
		progress_end(phase, "%s %ld was %s, is %s", kind_of(step), step->vmid, w->state, state);
	snprintf(w->state, sizeof w->state, "%s", state);
	if (g->record.state != NODE_RECORD_FAILED && g->record.state != NODE_RECORD_READY)
		progress_begin(phase, "%s %ld is %s", kind_of(step), step->vmid, state);
	return true;
}

/* 1: the node is ready; 0: not yet. */
static int look(struct deploy_run *run, const struct deploy_step *step, bool *changed, struct error *err)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };
	struct deploy_watch *w = watch_of(run, step->node);

	if (deploy_look(run, step, &g, NULL, err) < 0) {
		bool pass = pve_failure(run->exec.pve) == PVE_UNREACHABLE || pve_failure(run->exec.pve) == PVE_BUSY;
		return pass && ++w->misses < MISSES_MAX ? 0 : -1;
	}
	w->misses = 0;
	*changed |= report_change(w, step, &g);
	if (g.record.state == NODE_RECORD_FAILED) {
		run->exec.again = false;
		return failed(step, &g, err);
	}
	return g.record.state == NODE_RECORD_READY;
}

/* Later nodes are only shown; their failures are handled by their own steps. */
static void look_at_others(struct deploy_run *run, const struct deploy_step *step, bool *changed)
{
	for (size_t i = 0; i < run->steps->n; i++) {
		const struct deploy_step *other = &run->steps->at[i];
		struct error ignored = { 0 };
		if (other->act == DEPLOY_WATCH && other > step && look(run, other, changed, &ignored) < 0)
			run->exec.again = false;
	}
}

int deploy_exec_watch(struct deploy_run *run, const struct deploy_step *step, struct error *err)
{
	double since = clock_seconds(), pause = NAP_FIRST;
	int rc;

	for (;;) {
		bool changed = false;
		rc = look(run, step, &changed, err);
		if (rc == 0 && clock_seconds() - since > (double)step->node->patience)
			rc = too_late(step, watch_of(run, step->node)->state, err);
		if (rc)
			break;
		look_at_others(run, step, &changed);
		pause = changed ? NAP_FIRST : pause * 1.5 < NAP_LAST ? pause * 1.5 : NAP_LAST;
		clock_nap(pause);
	}
	return rc < 0 ? -1 : 0;
}
