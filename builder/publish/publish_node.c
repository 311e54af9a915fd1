/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/progress/progress.h"
#include "builder/publish/publish.h"
#include "builder/publish/publish_exec.h"
#include "lib/log.h"

static void run_done(struct publish_run *run)
{
	publish_memory_done(&run->memory);
	pve_exec_done(&run->exec);
}

static unsigned parts_of(const struct publish_order *o)
{
	return (o->image->vm.path ? PUBLISH_VM : 0) | (o->image->ct.path ? PUBLISH_CT : 0);
}

static int look(struct publish_run *run, struct publish_state *ret, struct error *err)
{
	const struct publish_order *o = run->order;

	if (publish_state_read(run->exec.pve, o->target, o->node, o->image->name, parts_of(o), ret, err) == 0)
		return 0;
	return pve_exec_failed(&run->exec);
}

static int do_step(struct publish_run *run, const struct publish_state *state, const struct publish_step *step,
		   struct error *err)
{
	CLEANUP(text_done) struct text words = { 0 };

	publish_step_text(run->order, step, &words);
	log_debug("%s: %s", run->order->node, words.data);
	if (step->act == PUBLISH_PAUSE)
		return publish_exec(run, state, step, err);
	if (pve_guard_begin(&run->exec.guard, words.data, err) < 0) {
		run->exec.again = false;
		return -1;
	}
	if (publish_exec(run, state, step, err) < 0)
		return -1;
	pve_guard_done(&run->exec.guard);
	return 0;
}

/* Reads the state, plans, executes the first step. 1: there was none. */
static int advance(struct publish_run *run, bool *first, struct error *err)
{
	CLEANUP(publish_state_done) struct publish_state state = { 0 };
	CLEANUP(publish_steps_done) struct publish_steps steps = { 0 };

	pve_guard_look(&run->exec.guard);
	if (look(run, &state, err) < 0)
		return -1;
	if (*first)
		publish_memory_begin(&run->memory, run->order, &state);
	*first = false;
	run->memory.pauses = run->exec.pauses;
	publish_plan(run->order, &state, &run->memory, &steps);
	return steps.n ? do_step(run, &state, &steps.at[0], err) : 1;
}

int publish_node(struct pve *pve, const struct publish_order *o, struct error *err)
{
	CLEANUP(run_done) struct publish_run run = { .order = o, .exec.pve = pve };
	bool first = true;

	for (int step = 0; step < PVE_EXEC_STEPS_MAX; step++) {
		int rc = advance(&run, &first, err);
		if (rc == 1)
			return 0;
		if (rc == 0)
			continue;
		if (!run.exec.again)
			return error_wrap(err, "node %s", o->node);
		CLEANUP(free_p) char *why = error_full(err);
		log_info("%s: %s; trying again", o->node, why);
		if (!pve_guard_again(&run.exec.guard))
			return error_wrap(err, "node %s", o->node);
	}
	return error_set(err, ERROR_TARGET, "node %s: it does not end; does something undo each step?", o->node);
}
