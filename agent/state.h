/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How far this node has come: one small JSON file, replaced as a whole, so that it is never half written.
 *
 *	{"phase": "kubeadm", "since": "2026-11-22T08:42:00Z", "waiting_for": "the API server of api.lab:6443"}
 */
#include "lib/error.h"
#include "lib/json.h"

#define STATE_FILE "/var/lib/nodekiln/state"

struct state {
	char *phase;       /* owned; "not configured" when there is no file */
	char *since;       /* owned; NULL when unknown */
	char *waiting_for; /* owned; NULL = nothing */
};

int state_load(const char *file, struct state *ret, struct error *err) MUST_CHECK;
/* One line for people, without a line break; owned by the caller. */
char *state_text(const struct state *state) MUST_CHECK;
struct json *state_json(const struct state *state) MUST_CHECK;
void state_done(struct state *state);
