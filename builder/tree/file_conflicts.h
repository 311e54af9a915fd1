/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who brought which path, while packages are unpacked side by side. Threads take turns in any order, so whatever two packages
 * disagree on is only noted here and decided when all of them are through: the result doesn't depend on who was first.
 *
 * Directories are everybody's; the package with the lowest number says mode, owner and time.
 */
#include <stdbool.h>

#include "builder/archive/tar.h"
#include "lib/vec.h"

struct claim {
	char *path;     /* owned */
	unsigned owner; /* of a directory: who says what it looks like */
	bool directory;
	struct tar_entry stamp; /* directory: mode, owner, time; no pointers in it */
};

/* owner claimed the path first (and put something there), rival came later and put nothing. */
struct claim_conflict {
	char *path; /* owned */
	unsigned owner, rival;
	bool kinds_differ; /* a directory for one, something else for the other */
};

struct file_conflicts; /* opaque; its functions lock */

struct file_conflicts *file_conflicts_new(void) MUST_CHECK;
/* True when the path is this package's to make. */
bool file_conflicts_add(struct file_conflicts *c, const char *path, unsigned owner, const struct tar_entry *e);
/* For after the threads. Conflicts are sorted by path, owner and rival. */
size_t file_conflicts_find(struct file_conflicts *c, const struct claim_conflict **ret);
/* Directories only, in no order that matters. */
int file_conflicts_each_directory(struct file_conflicts *c,
				  int (*visit)(void *context, const struct claim *claim, struct error *err),
				  void *context, struct error *err) MUST_CHECK;
void file_conflicts_free_p(struct file_conflicts **c);
