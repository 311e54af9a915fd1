/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One run of apt's solver: the given packages with everything they depend on, on top of an empty system or of a given dpkg
 * status. It runs as a job, so that several can run in parallel.
 *
 *	strings_add(&s.packages, "containerd"); apt_solve_start(&s, &err); ... apt_solve_wait(&s, &lock, LOCK_BASE, &status, &err)
 */
#include "builder/apt/apt.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/job.h"
#include "lib/text.h"

struct apt_solve {
	const struct apt *apt;   /* borrowed */
	struct strings packages; /* owned; arguments of apt-get install */
	const char *status;      /* borrowed; path of a dpkg status file; NULL = nothing is installed */
	struct job job;
	int answer; /* owned; memfd with the result */
};

int apt_solve_start(struct apt_solve *s, struct error *err) MUST_CHECK;
/* Fills the lock's group, sorted by name. ret_status (may be NULL) gets the dpkg status stanzas of these packages appended. */
int apt_solve_wait(struct apt_solve *s, struct lock *lock, enum lock_group group, struct text *ret_status,
		   struct error *err) MUST_CHECK;
void apt_solve_done(struct apt_solve *s); /* stops the job if it runs; accepts a zeroed value */

/* Pure: fills the group from the outputs of `apt-get --print-uris` and `apt-cache show`. */
int apt_solve_read(const char *uris, const char *stanzas, struct lock *lock, enum lock_group group,
		   struct text *ret_status, struct error *err) MUST_CHECK;
