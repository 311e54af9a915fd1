/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a table of steps. The state file names the step that was begun last; after an interruption the
 * next boot continues there. A step that gives up ends the run with a failure in the state; the next boot
 * starts from the first step, or from the failed step if the node had joined.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/config_source.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define CONFIG_POLL 1
#define CONFIG_TIMEOUT 600 /* seconds for cloud-init to finish */

static const struct step {
	const char *name;
	enum node_record_state state; /* the node's state during this step */
	int (*run)(struct agent *a, struct error *err);
} steps[] = {
	{ "register", NODE_RECORD_BOOTING, step_register },
	{ "rendezvous", NODE_RECORD_BOOTING, step_election },
	{ "preflight", NODE_RECORD_BOOTING, step_preflight },
	{ "turn", NODE_RECORD_BOOTING, step_turn },
	{ "kubeadm", NODE_RECORD_JOINING, step_kubeadm },
	{ "publish", NODE_RECORD_JOINING, step_publish }, /* from here on the node has joined */
	{ "manifests", NODE_RECORD_JOINING, step_manifests },
	{ "ready", NODE_RECORD_JOINING, step_ready },
	{ "report", NODE_RECORD_READY, step_report },
	{ "wipe", NODE_RECORD_READY, step_wipe }, /* from here on the configuration may be gone */
	{ "leave", NODE_RECORD_READY, step_leave },
};

static size_t step_index(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(steps); i++)
		if (!strcmp(steps[i].name, name))
			return i;
	return 0;
}

static bool is_from(const struct agent *a, const char *name)
{
	return step_index(a->state.step) >= step_index(name);
}

/* Loads the state of an earlier boot. A file that cannot be read must not block the node without end: then
 * everything starts again, and what kubeadm left behind counts as this node's. */
static void recall(struct agent *a)
{
	struct error err = { 0 };
	bool failed;

	if (state_load(a->state_file, &a->state, &err) < 0) {
		log_warning("%s; starting again", err.text);
		state_done(&a->state);
		a->state.started = true;
		return;
	}
	failed = text_same(a->state.phase, node_record_state_name(NODE_RECORD_FAILED));
	if (failed && !is_from(a, "publish"))
		state_set_text(&a->state.step, NULL);
	/* cloud-init has copied a seed that is still attached again. */
	if (is_from(a, "wipe"))
		state_set_text(&a->state.step, "wipe");
	state_set_text(&a->state.error, NULL);
	state_set_text(&a->state.waiting_for, NULL);
}

/* 1 = configured, 0 = this guest is not meant to be a node. */
static int configure(struct agent *a, struct error *err)
{
	double until = clock_seconds() + CONFIG_TIMEOUT;
	int answer;

	while ((answer = config_source_read(a->root, &a->node, err)) == CONFIG_SOURCE_LATER)
		if (agent_wait_for(a, err, "cloud-init, which may bring the configuration") < 0 ||
		    agent_nap(a, CONFIG_POLL, until, err) < 0)
			return -1;
	if (answer >= 0)
		return answer == CONFIG_SOURCE_FOUND;
	if (!is_from(a, "wipe"))
		return -1;
	log_info("the configuration has been wiped already");
	return 1;
}

/* Records the step on the disk before it begins. */
static int enter(struct agent *a, const struct step *step, struct error *err)
{
	state_set_text(&a->state.step, step->name);
	state_set_text(&a->state.waiting_for, NULL);
	state_set_text(&a->state.error, NULL);
	state_set_phase(&a->state, node_record_state_name(step->state));
	if (agent_save(a, err) < 0)
		return -1;
	log_info("step %s", step->name);
	return 0;
}

static int walk(struct agent *a, struct error *err)
{
	enum node_record_state said = NODE_RECORD_UNKNOWN;

	for (size_t i = step_index(a->state.step); i < ARRAY_SIZE(steps); i++) {
		if (enter(a, &steps[i], err) < 0)
			return -1;
		/* "register" and "report" speak for themselves; what a cluster's maker publishes cannot wait. */
		if (steps[i].run != step_register && steps[i].run != step_report &&
		    (steps[i].state != said || steps[i].run == step_manifests))
			agent_announce(a);
		said = steps[i].state;
		if (steps[i].run(a, err) < 0)
			return -1;
	}
	state_set_text(&a->state.waiting_for, NULL);
	return agent_save(a, err);
}

/* Records the failure in the state and announces it at Proxmox VE; *err stays. */
static int give_up(struct agent *a, const struct error *err)
{
	struct error ignored = { 0 };

	state_set_phase(&a->state, node_record_state_name(NODE_RECORD_FAILED));
	state_set_text(&a->state.waiting_for, NULL);
	state_set_text(&a->state.error, err->text);
	if (!a->state.leader)
		state_set_text(&a->state.claim, NULL);
	if (agent_save(a, &ignored) < 0)
		log_warning("%s", ignored.text);
	a->pve_rest_until = 0;
	agent_announce(a);
	return -1;
}

/* cloud-init has just written this node's identity (host keys, users, configuration) without fsync(). After a
 * power cut these files would count as written but be empty, so they must be on the disk before the state
 * says that the node has begun. */
static void keep_what_was_written(const char *root)
{
	struct error ignored = { 0 };
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, *root ? root : "/", &ignored);

	if (fd >= 0 && syncfs(fd) < 0)
		log_warning("sync the disk: %s", strerror(errno));
}

static int run_node(struct agent *a, struct error *err)
{
	recall(a);
	int configured = configure(a, err);
	if (configured == 0 && a->state.step && !is_from(a, "wipe"))
		configured = error_set(
			err, ERROR_INPUT,
			"the configuration existed when this node began, and is missing now; write " NODE_CONFIG_FILE
			" again, or recreate the guest");
	if (configured == 0) {
		log_info("no node configuration: nothing to do");
		return 0;
	}
	keep_what_was_written(a->root);
	if (configured < 0 || facts_read(a->root, &a->machine, err) < 0 ||
	    pve_registration_open(a->root, &a->node, &a->pve, err) < 0 || walk(a, err) < 0)
		return give_up(a, err);
	log_info("node %s is Ready", agent_name(a));
	return 0;
}

int agent_run(const char *root, struct error *err)
{
	CLEANUP(agent_done) struct agent a = { .root = root, .state_file = xasprintf("%s" STATE_FILE, root) };

	return run_node(&a, err);
}
