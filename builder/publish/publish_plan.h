/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The steps that publish an image on one node, computed from the node's state (publish_state.h). Pure. The
 * list is complete, but only its first step is executed; then the state is read and planned for again. So it
 * does not matter whether earlier steps were done by this run, by one that was killed, or by another
 * publisher at the same time.
 *
 * States of a VM's copy: created with "unfinished" in its notes -> tags -> template -> "ready" in its notes.
 * A publisher that finds an unfinished copy finishes it. When two publishers have both created one, the
 * publisher of the higher VMID removes its copy at once; the other waits until the higher one is removed or
 * ready (one-bit mutual exclusion), and removes its own copy when neither happens.
 *
 * A copy that this run has made and that does not show any more is neither made again nor given up: the token may have lost
 * its right to see it.
 *
 * The upload must not be replaced while a copy is made from it: the notes contain the upload's ctime from
 * before.
 */
#include <stdbool.h>
#include <time.h>

#include "builder/publish/publish_image.h"
#include "builder/publish/publish_state.h"
#include "builder/pve/vmid.h"

enum publish_action {
	PUBLISH_WAIT_TASK, /* a task of ours that still runs */
	PUBLISH_PAUSE,     /* read the state again in a second */
	PUBLISH_FIND,      /* the copy that this run works on does not show any more: hidden or gone */
	PUBLISH_UPLOAD,
	PUBLISH_CREATE,
	PUBLISH_TAG,
	PUBLISH_CONVERT,
	PUBLISH_FINALIZE, /* notes say "ready" */
	PUBLISH_REMOVE,   /* a VM */
	PUBLISH_DISCARD,  /* a volume */
};

/* The image and the settings for one node. All borrowed. */
struct publish_order {
	const struct publish_image *image;
	const struct target *target;
	const char *node;
	const struct target_storages *storages; /* the node's */
	enum firmware firmware;
	bool replace;
	long retain;          /* versions to keep, including the new one; 0 = all */
	unsigned may_discard; /* PUBLISH_VM, PUBLISH_CT: the token may delete files in that storage */
	bool keep_import;     /* another node still needs the upload */
	time_t now;
};

/* The memory of this run, in addition to the state. */
struct publish_memory {
	long own;          /* the copy that this run created; 0 = none */
	long known;        /* the copy that this run has made or works on, and that is there for certain; 0 = none */
	unsigned uploaded; /* parts that this run has uploaded */
	unsigned pauses;   /* in a row */
	VEC(long) old;     /* copies that --replace replaces */
	VEC(long) kept;    /* copies that are in use */
	struct vmid_list skipped; /* VMIDs of which volumes are left */
};

struct publish_step {
	enum publish_action act;
	unsigned part;   /* UPLOAD, DISCARD */
	long vmid;       /* 0 = the one that CREATE makes */
	char *name;      /* owned; a volume, a UPID; may be NULL */
	const char *why; /* static; may be NULL */
};
struct publish_steps {
	struct publish_step *at; /* owned */
	size_t n, max;
};

#define PUBLISH_UNSEEN 5   /* pauses until a copy that does not show is looked for */
#define PUBLISH_SETTLE 30  /* pauses (seconds) that a lower VMID waits for a higher one */
#define PUBLISH_STALE 3600 /* seconds after which an unfinished copy or upload of another version counts as abandoned */

void publish_plan(const struct publish_order *o, const struct publish_state *s, const struct publish_memory *m,
		  struct publish_steps *ret);
/* The newest finished copy of the order's image, one with the order's settings before all others; NULL = none. The older ones
 * are removed as soon as nothing uses them. */
const struct publish_copy *publish_plan_ready(const struct publish_order *o, const struct publish_state *s,
					      const struct publish_memory *m);
/* Records the copies that --replace replaces: those that are finished before the first step. */
void publish_memory_begin(struct publish_memory *m, const struct publish_order *o, const struct publish_state *s);
void publish_memory_done(struct publish_memory *m);
/* Digest of everything but the image that a template is made from. */
void publish_settings(const struct publish_order *o, char ret[PUBLISH_NOTES_HASH + 1]);
/* publish_text.c: "upload local:import/X, 402 MiB" */
void publish_step_text(const struct publish_order *o, const struct publish_step *step, struct text *ret);
void publish_steps_done(struct publish_steps *steps);
