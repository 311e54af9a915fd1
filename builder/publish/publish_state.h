/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is on one node of the target, as far as it concerns an image: copies of it (and what was left unfinished of them), its
 * files in the storages, and work of ours that the node still does. Read anew before every step, so that a plan never rests on
 * what was true before a crash or before somebody else came.
 */
#include "builder/publish/publish_notes.h"
#include "builder/pve/target.h"
#include "lib/pve.h"

struct publish_copy {
	long vmid;
	char *name, *tags, *notes;      /* owned; NULL = none */
	struct publish_notes published; /* what its notes say */
	bool template;
	bool locked;
};

struct publish_volume {
	char *name; /* owned; behind STORAGE:import/ or STORAGE:vztmpl/ */
	uint64_t size;
	int64_t ctime;
};
struct publish_volumes {
	struct publish_volume *at; /* owned */
	size_t n, max;
};

struct publish_state {
	VEC(struct publish_copy) copies; /* by VMID; ours only: what has another VMID than its notes say is not here */
	struct publish_volumes import, vztmpl; /* files of this image in any version */
	struct strings tasks; /* UPIDs: uploads, creations, .. that this token has started and that still run */
};

/* The image's name decides what belongs to it. */
int publish_state_read(struct pve *pve, const struct target *target, const char *node, const char *image,
		       unsigned parts, struct publish_state *ret, struct error *err) MUST_CHECK;
void publish_state_done(struct publish_state *state);

/* Pure pieces of it. A guest of the node's list could be a copy (its configuration has to be asked for): */
bool publish_state_is_candidate(const struct json *entry, const char *image);
void publish_state_add_copy(struct publish_state *state, long vmid, const struct json *config, const char *image);
void publish_volumes_parse(const struct json *data, const char *image, const char *suffix, struct publish_volumes *ret);
const struct publish_volume *publish_volumes_find(const struct publish_volumes *volumes, const char *name);
void publish_tasks_parse(const struct strings *upids, const char *token_id, struct strings *ret);
