/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which package ships which path, recorded while packages are unpacked in parallel. The threads finish in any order, so
 * a path that two packages ship is only recorded here and decided when all packages are unpacked: the result does not
 * depend on which was first.
 *
 * Any number of packages may ship a directory; the package with the lowest number defines its mode, owner and time.
 */
#include <stdbool.h>

#include "builder/archive/tar.h"
#include "lib/vec.h"

struct file_conflicts_entry {
	char *path;     /* owned */
	unsigned owner; /* number of the package; of a directory, the one that defines mode, owner and time */
	bool directory;
	struct tar_entry stamp; /* directory: mode, owner, time; its pointers are NULL */
};

/* owner added the path first and has unpacked it; rival added it later and has not. */
struct file_conflict {
	char *path; /* owned */
	unsigned owner, rival;
	bool kinds_differ; /* a directory for one, something else for the other */
};

struct file_conflicts; /* opaque; file_conflicts_add() may be called by several threads */

struct file_conflicts *file_conflicts_new(void) MUST_CHECK;
/* Package number owner ships path as e. True if this package is to create it. */
bool file_conflicts_add(struct file_conflicts *c, const char *path, unsigned owner, const struct tar_entry *e);
/* Call it after the threads have ended. Returns the number of conflicts, sorted by path, owner and rival; *ret is
 * borrowed. */
size_t file_conflicts_find(struct file_conflicts *c, const struct file_conflict **ret);
/* Calls visit for each directory, in unspecified order. */
int file_conflicts_each_directory(struct file_conflicts *c,
				  int (*visit)(void *context, const struct file_conflicts_entry *entry,
					       struct error *err),
				  void *context, struct error *err) MUST_CHECK;
void file_conflicts_free_p(struct file_conflicts **c);
