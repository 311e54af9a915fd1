/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What has to be done on one node so that an image is there: from what is there (publish_state.h) to a list of steps. Pure. The list
 * ends where the wish is fulfilled; its first step is done, then the node is looked at again and planned for again. So it makes no
 * difference who did the steps before: this run, one that was killed, or another publisher at the same time.
 *
 * A VM's copy goes through: created with its notes saying "unfinished" -> tags -> template -> notes say "ready".
 * Whoever finds an unfinished copy finishes it. Two publishers who both created one keep one: the higher VMID gives way at once; the
 * lower waits until the higher has gone or is ready (one-bit mutual exclusion), and gives way when neither happens.
 *
 * A copy is made from an upload that nobody may have replaced in between: its notes hold the upload's ctime from before.
 */
#include <stdbool.h>
#include <time.h>

#include "builder/publish/publish_image.h"
#include "builder/publish/publish_state.h"

enum publish_action {
	PUBLISH_WAIT_TASK, /* a task of ours that still runs */
	PUBLISH_PAUSE,     /* look again in a moment */
	PUBLISH_UPLOAD,
	PUBLISH_CREATE,
	PUBLISH_TAG,
	PUBLISH_CONVERT,
	PUBLISH_FINALIZE, /* notes say "ready" */
	PUBLISH_REMOVE,   /* a VM */
	PUBLISH_DISCARD,  /* a volume */
};

/* What is wanted. All borrowed. */
struct publish_order {
	const struct publish_image *image;
	const struct target *target;
	const char *node;
	const struct target_storages *storages; /* the node's */
	enum firmware firmware;
	bool replace;
	long retain;          /* versions to keep, the new one too; 0 = all */
	unsigned may_discard; /* PUBLISH_VM, PUBLISH_CT: the token may delete files in that storage */
	bool keep_import;     /* others still need the upload */
	time_t now;
};

/* What this run knows beside what can be seen. */
struct publish_memory {
	long own;          /* the copy that this run created; 0 = none */
	unsigned uploaded; /* parts that this run has uploaded */
	unsigned pauses;   /* in a row */
	VEC(long) old;     /* copies that --replace is to replace */
	VEC(long) kept;    /* copies that are in use */
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

#define PUBLISH_SETTLE 30  /* pauses (seconds) that a lower VMID waits for a higher one */
#define PUBLISH_STALE 3600 /* seconds after which what is unfinished of another version belongs to nobody */

void publish_plan(const struct publish_order *o, const struct publish_state *s, const struct publish_memory *m,
		  struct publish_steps *ret);
/* The image is there: the finished copy, or NULL. */
const struct publish_copy *publish_plan_ready(const struct publish_order *o, const struct publish_state *s,
					      const struct publish_memory *m);
/* Remembers what --replace is to replace: what is finished before anything was done. */
void publish_memory_begin(struct publish_memory *m, const struct publish_order *o, const struct publish_state *s);
void publish_memory_done(struct publish_memory *m);
/* Digest of what a template is made with beside its image. */
void publish_settings(const struct publish_order *o, char ret[PUBLISH_NOTES_HASH + 1]);
/* "upload X to local (402 MiB)\n"... */
void publish_step_text(const struct publish_order *o, const struct publish_step *step, struct text *ret);
void publish_steps_done(struct publish_steps *steps);
