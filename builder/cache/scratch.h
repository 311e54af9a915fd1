/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The working directory of a build: a tmpfs in the private mount namespace when there is memory for it (it is
 * faster, and disappears with the process even after SIGKILL); otherwise, and where nothing can be mounted, a
 * directory in the cache's tmp/ (which the next build removes).
 */
#include <stdint.h>

#include "builder/cache/cache.h"
#include "lib/error.h"

enum scratch_kind { SCRATCH_AUTO, SCRATCH_MEMORY, SCRATCH_DISK };
extern const char *const scratch_names[]; /* "auto", "memory", "disk", NULL */

struct scratch {
	struct cache *cache;    /* borrowed */
	char *name;             /* owned; relative to cache->fd */
	char *path;             /* owned; absolute */
	int fd;                 /* owned; keeps the directory locked */
	enum scratch_kind kind; /* as decided */
};

/* need: the most bytes that the build will use. Puts the calling process into a private mount namespace. */
int scratch_open(struct cache *cache, enum scratch_kind kind, uint64_t need, struct scratch *ret, struct error *err)
	MUST_CHECK;
/* Makes the directory PATH/NAME and returns its path (caller frees). */
int scratch_directory(const struct scratch *s, const char *name, char **ret, struct error *err) MUST_CHECK;
/* Unmounts and removes; accepts a zeroed value. */
void scratch_close(struct scratch *s);
/* Frees the struct and leaves the directory to another process of the build, which closes it. */
void scratch_forget(struct scratch *s);
