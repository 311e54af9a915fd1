/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One question to apt's solver: these packages with all they need, on top of nothing or of what is said to be installed. It
 * runs as a job, so that questions can be asked side by side.
 *
 *	solve_add(&s, "containerd"); apt_solve_start(&s, &err); ... apt_solve_wait(&s, &lock, LOCK_BASE, &status, &err)
 */
#include "builder/apt/apt.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/job.h"
#include "lib/text.h"

struct apt_solve {
	const struct apt *apt;   /* borrowed */
	struct strings packages; /* owned; as apt-get's install takes them */
	const char *status;      /* borrowed; path of a dpkg status file; NULL = nothing is installed */
	struct job job;
	int answer; /* owned; memory file that the job writes to */
};

int apt_solve_start(struct apt_solve *s, struct error *err) MUST_CHECK;
/* Fills the lock's group, sorted by name. *ret_status (may be NULL) gets dpkg status paragraphs of these packages. */
int apt_solve_wait(struct apt_solve *s, struct lock *lock, enum lock_group group, struct text *ret_status,
		   struct error *err) MUST_CHECK;
void apt_solve_done(struct apt_solve *s); /* stops it if it runs; accepts a zeroed value */

/* The pure part: apt-get's --print-uris and apt-cache's stanzas to the group. */
int apt_solve_read(const char *uris, const char *stanzas, struct lock *lock, enum lock_group group,
		   struct text *ret_status, struct error *err) MUST_CHECK;
