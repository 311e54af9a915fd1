/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a table of steps. The state file names the step that was begun last, from which the next boot
 * continues after an interruption. A step that gives up ends the run with a failure in the state; the next
 * boot starts from the first step, or from the failed step if the node had joined.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/cloud_ignored.h"
#include "agent/config_source.h"
#include "agent/private_log.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define CONFIG_POLL 1
#define CONFIG_TIMEOUT 600 /* seconds for cloud-init to finish */

/* When a step's beginning is announced at Proxmox VE. */
enum announce {
	ANNOUNCE_NEVER,  /* the step does it itself */
	ANNOUNCE_CHANGE, /* if the node's state is another than in the step before */
	ANNOUNCE_ALWAYS,
};

enum step_id {
	STEP_REGISTER,
	STEP_ELECTION,
	STEP_PREFLIGHT,
	STEP_TURN,
	STEP_KUBEADM,
	STEP_PUBLISH,
	STEP_MANIFESTS,
	STEP_READY,
	STEP_REPORT,
	STEP_WIPE,
	STEP_LEAVE,
	STEPS,
};

static const struct step {
	const char *name; /* in the state file, so it stays as it is */
	int (*run)(struct agent *a, struct error *err);
	enum node_record_state state; /* the node's state during this step */
	enum announce announce;
	bool joined; /* the node has joined the cluster: after a failure the next boot continues here */
	bool wiped;  /* the configuration may have been wiped */
} steps[STEPS] = {
	[STEP_REGISTER] = { "register", step_register, NODE_RECORD_BOOTING, .announce = ANNOUNCE_NEVER },
	[STEP_ELECTION] = { "rendezvous", step_election, NODE_RECORD_BOOTING, .announce = ANNOUNCE_CHANGE },
	[STEP_PREFLIGHT] = { "preflight", step_preflight, NODE_RECORD_BOOTING, .announce = ANNOUNCE_CHANGE },
	[STEP_TURN] = { "turn", step_turn, NODE_RECORD_BOOTING, .announce = ANNOUNCE_CHANGE },
	[STEP_KUBEADM] = { "kubeadm", step_kubeadm, NODE_RECORD_JOINING, .announce = ANNOUNCE_CHANGE },
	[STEP_PUBLISH] = { "publish", step_publish, NODE_RECORD_JOINING, .announce = ANNOUNCE_CHANGE, .joined = true },
	/* Always announced: other nodes wait for the endpoint that the previous step published. */
	[STEP_MANIFESTS] = { "manifests", step_manifests, NODE_RECORD_JOINING, .announce = ANNOUNCE_ALWAYS,
			     .joined = true },
	[STEP_READY] = { "ready", step_ready, NODE_RECORD_JOINING, .announce = ANNOUNCE_CHANGE, .joined = true },
	[STEP_REPORT] = { "report", step_report, NODE_RECORD_READY, .announce = ANNOUNCE_NEVER, .joined = true },
	[STEP_WIPE] = { "wipe", step_wipe, NODE_RECORD_READY, .announce = ANNOUNCE_CHANGE, .joined = true,
			.wiped = true },
	[STEP_LEAVE] = { "leave", step_leave, NODE_RECORD_READY, .announce = ANNOUNCE_CHANGE, .joined = true,
			 .wiped = true },
};

/* The step that the state names: the first when it names none, or one of another version. */
static enum step_id current_step(const struct state *state)
{
	for (size_t i = 0; state->step && i < STEPS; i++)
		if (!strcmp(steps[i].name, state->step))
			return (enum step_id)i;
	return STEP_REGISTER;
}

static bool is_wiped(const struct agent *a)
{
	return steps[current_step(&a->state)].wiped;
}

/* Loads the state of an earlier boot. A file that cannot be read must not block the node: it then
 * starts from the first step and assumes that kubeadm has run, so that files left behind count as its
 * own. */
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
	if (failed && !steps[current_step(&a->state)].joined)
		state_set_text(&a->state.step, NULL);
	/* If the seed is still attached, cloud-init has copied it again. */
	if (is_wiped(a))
		state_set_text(&a->state.step, steps[STEP_WIPE].name);
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
	if (!is_wiped(a))
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
	enum node_record_state announced = NODE_RECORD_UNKNOWN;

	for (size_t i = current_step(&a->state); i < STEPS; i++) {
		const struct step *step = &steps[i];
		if (enter(a, step, err) < 0)
			return -1;
		if (step->announce == ANNOUNCE_ALWAYS ||
		    (step->announce == ANNOUNCE_CHANGE && step->state != announced))
			agent_announce(a);
		announced = step->state;
		if (step->run(a, err) < 0)
			return -1;
	}
	state_set_text(&a->state.waiting_for, NULL);
	return agent_save(a, err);
}

/* Records the failure in the state and announces it at Proxmox VE; *err stays. */
static int give_up(struct agent *a, const struct error *err)
{
	struct error ignored = { 0 };

	private_log(a->root, err);
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

/* cloud-init itself says nothing of it. */
static void warn_ignored(const char *root)
{
	CLEANUP(free_p) char *ignored = cloud_ignored(root);

	if (ignored)
		log_warning("%s", ignored);
}

static int run_node(struct agent *a, struct error *err)
{
	recall(a);
	int configured = configure(a, err);
	warn_ignored(a->root);
	if (configured == 0 && a->state.step && !is_wiped(a))
		configured = error_set(err, ERROR_INPUT,
				       "the configuration existed when this node began, and is missing now; attach the "
				       "volume with the "
				       "seed again, or write " NODE_CONFIG_FILE ", or recreate the guest");
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
