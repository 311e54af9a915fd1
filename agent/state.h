/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How far this node has come: one small JSON file, replaced as a whole and synced, so that after a power cut it is the old or the
 * new one. `nodekiln-agent status` shows it; `run` goes on from it.
 *
 *	{"phase": "joining", "since": "2026-11-22T08:42:00Z", "waiting_for": "kubeadm join, try 2", "error": "...",
 *	 "step": "kubeadm", "claim": null, "leader": false, "started": true, "endpoint": "10.0.0.10:6443", "ca": ["sha256:..."]}
 *
 * No secret is ever in it.
 */
#include "lib/error.h"
#include "lib/json.h"

#define STATE_FILE "/var/lib/nodekiln/state"

struct state {
	char *phase;       /* owned; "not configured" when there is no file, else a node_record_state_name */
	char *since;       /* owned; when this phase began, RFC 3339; NULL when unknown */
	char *waiting_for; /* owned; NULL = nothing */
	char *error;       /* owned; the last error, one sentence; NULL = none */
	/* Where run goes on. */
	char *step;        /* owned; the step that was begun last (run.c's table); NULL = from the start */
	bool leader;       /* this node may initialise the cluster: its claim was read back */
	bool started;      /* kubeadm was started: what it left behind is ours, and the claim must stay */
	char *claim;       /* owned; what our notes say, or shall say: agent/election.h; NULL = none */
	char *endpoint;    /* owned; HOST:PORT of the cluster; NULL = not known yet */
	struct strings ca; /* of that cluster: "sha256:..." */
};

/* A file that is not there is a state too. One that cannot be read is ERROR_INPUT. */
int state_load(const char *file, struct state *ret, struct error *err) MUST_CHECK;
/* Synced when it returns; the directory is made. */
int state_save(const char *file, const struct state *state, struct error *err) MUST_CHECK;
/* Each replaces one text, NULL clears it; the phase is dated when it changes. */
void state_set_phase(struct state *state, const char *phase);
void state_set_text(char **field, const char *text);
/* One line for people, without a line break; owned by the caller. */
char *state_text(const struct state *state) MUST_CHECK;
struct json *state_json(const struct state *state) MUST_CHECK;
void state_done(struct state *state);
