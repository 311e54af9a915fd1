/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of one node of the target, as far as it concerns an image: copies of it, finished or not, its
 * files in the storages, and tasks of this token that still run. It is read again before every step, so that
 * a plan never relies on what was true before a crash or before another publisher's step.
 */
#include "builder/publish/publish_notes.h"
#include "builder/pve/target.h"
#include "lib/pve.h"

struct publish_copy {
	long vmid;
	char *name, *tags, *notes;      /* owned; NULL = none */
	struct publish_notes published; /* from its notes */
	bool template;
	bool locked;
};

struct publish_volume {
	char *name; /* owned; without STORAGE:import/ or STORAGE:vztmpl/ */
	uint64_t size;
	int64_t ctime;
};
struct publish_volumes {
	struct publish_volume *at; /* owned */
	size_t n, max;
};

struct publish_state {
	/* Sorted by VMID; ours only: those whose notes prove it (publish_notes_prove()). */
	VEC(struct publish_copy) copies;
	VEC(long) strangers;                   /* guests whose notes say that they are copies, without proof */
	struct publish_volumes import, vztmpl; /* files of all versions of this image */
	struct strings tasks;                  /* UPIDs of tasks that this token started and that still run */
};

/* image: its name, which decides what belongs to it. */
int publish_state_read(struct pve *pve, const struct target *target, const char *node, const char *image,
		       unsigned parts, struct publish_state *ret, struct error *err) MUST_CHECK;
void publish_state_done(struct publish_state *state);

/* Types of tasks that must have ended before a node's state can be planned for; NULL-ended. */
extern const char *const publish_state_awaited[];
/* Pure. An entry of the node's list of guests may be a copy, so its configuration has to be read. */
bool publish_state_is_candidate(const struct json *entry, const char *image);
/* key: the target's, NULL = nothing can be proven. */
void publish_state_add_copy(struct publish_state *state, long vmid, const struct json *config, const char *node,
			    const char *image, const char *key);
void publish_volumes_parse(const struct json *data, const char *image, const char *suffix, struct publish_volumes *ret);
const struct publish_volume *publish_volumes_find(const struct publish_volumes *volumes, const char *name);
