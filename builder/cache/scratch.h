/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a build works: a tmpfs in our private mount namespace when there is memory for it (it is faster, and gone with
 * us even after SIGKILL), else, or where nothing can be mounted, a directory in the cache's tmp/ (swept by the next build).
 */
#include <stdint.h>

#include "builder/cache/cache.h"
#include "lib/error.h"

enum scratch_kind { SCRATCH_AUTO, SCRATCH_MEMORY, SCRATCH_DISK };
extern const char *const scratch_names[]; /* "auto", "memory", "disk", NULL */

struct scratch {
	struct cache *cache;    /* borrowed */
	char *name;             /* owned; the cache's name of the directory */
	char *path;             /* owned; absolute */
	int fd;                 /* owned; keeps the directory locked */
	enum scratch_kind kind; /* as decided */
};

/* need: bytes that the build will take at most. Puts the calling process into a private mount namespace. */
int scratch_open(struct cache *cache, enum scratch_kind kind, uint64_t need, struct scratch *ret, struct error *err)
	MUST_CHECK;
/* "PATH/NAME", made as a directory; owned by the caller. */
int scratch_directory(const struct scratch *s, const char *name, char **ret, struct error *err) MUST_CHECK;
/* Unmounts and removes; accepts a zeroed value. */
void scratch_close(struct scratch *s);
/* Leaves it to another process of ours, which closes it. */
void scratch_forget(struct scratch *s);
