/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files that `nodekiln seed` writes. They contain secrets: only their owner can read them. Each is written next to
 * its target as ".NAME.part"; all are renamed together at the end, so that nodes that share secrets have seeds of the
 * same run.
 */
#include <stdbool.h>

#include "lib/error.h"

struct seed_file {
	char *path, *part; /* owned */
};

struct seed_files {
	struct seed_file *at; /* owned */
	size_t n, max;
};

/* Where NAME+suffix goes: to out itself (a file, only for a single seed), or into the directory out: one that exists, or whose name
 * ends in a slash, or that several seeds need; NULL is the working directory. */
int seed_files_place(const char *out, const char *name, const char *suffix, bool only, char **ret, struct error *err)
	MUST_CHECK;
/* Refuses to replace anything but a seed or an empty file; and, with `fresh`, a seed: nodes that were started with it would be of another
 * cluster than those that follow. ERROR_USAGE. */
int seed_files_check(const char *path, bool fresh, struct error *err) MUST_CHECK;
/* Where a file is until it is complete: ".NAME.part" next to it; owned by the caller. */
char *seed_files_part(const char *path) MUST_CHECK;
/* Opens a new, empty part; makes missing directories. Returns an fd that the caller closes. */
int seed_files_add(struct seed_files *files, const char *path, struct error *err) MUST_CHECK;
int seed_files_publish(struct seed_files *files, struct error *err) MUST_CHECK;
/* Removes the part of a run that was killed; none is fine. */
void seed_files_discard(const char *path);
/* Removes parts that were not published. */
void seed_files_done(struct seed_files *files);
