/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How far this node has come: one small JSON file, replaced atomically and synced, so that after a power cut
 * it is the old or the new one. `nodekiln-agent status` shows it; `run` continues from it.
 *
 *	{"phase": "joining", "since": "2026-11-22T08:42:00Z", "waiting_for": "kubeadm join, try 2", "error": "...",
 *	 "step": "kubeadm", "claim": null, "leader": false, "started": true, "endpoint": "10.0.0.10:6443", "ca": ["sha256:..."]}
 *
 * No secret is ever in it. Step names and keys are a format: a newer agent reads an older agent's file.
 */
#include "lib/error.h"
#include "lib/json.h"

#define STATE_FILE "/var/lib/nodekiln/state"

struct state {
	char *phase;       /* owned; "not configured" when there is no file, else a node_record_state_name */
	char *since;       /* owned; when this phase began, RFC 3339; NULL when unknown */
	char *waiting_for; /* owned; NULL = nothing */
	char *error;       /* owned; the last error, one sentence; NULL = none */
	/* Where run continues. */
	char *step;        /* owned; the name of the step that was begun last (run.c); NULL = the first */
	bool leader;       /* this node may initialise the cluster: its claim was read back */
	bool started;      /* kubeadm was started: what it left behind is this node's, and the claim must stay */
	char *claim;       /* owned; the claim that is, or will be, in our notes: agent/election.h; NULL = none */
	char *endpoint;    /* owned; HOST:PORT of the cluster; NULL = not known yet */
	struct strings ca; /* of that cluster: "sha256:..." */
};

/* A missing file gives an empty state. A file that cannot be parsed is ERROR_INPUT. */
int state_load(const char *file, struct state *ret, struct error *err) MUST_CHECK;
/* Synced when it returns; creates the directory. */
int state_save(const char *file, const struct state *state, struct error *err) MUST_CHECK;
/* Each replaces one string, NULL clears it. A phase that changes gets the current time in since. */
void state_set_phase(struct state *state, const char *phase);
void state_set_text(char **field, const char *text);
/* One line for people, without a line break; the caller frees it. */
char *state_text(const struct state *state) MUST_CHECK;
struct json *state_json(const struct state *state) MUST_CHECK;
void state_done(struct state *state);
