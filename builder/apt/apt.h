/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs apt on a private state: apt reads none of the host's configuration, sources, keys, lists or installed packages, and
 * writes nothing outside the cache.
 *
 *	apt/KEY-INDICES/	KEY: digest of the sources; INDICES: digest of the signed Release files that were fetched
 *		etc/ keyrings/ var/ status	apt's files; etc/ and the lists never change after the state was published
 *		indices		the whole digest INDICES
 *		checked		its mtime is the time of the last update from the mirror
 *		solutions/	answers of apt's solver for these indices (resolve.c)
 *
 * An update runs in a scratch directory and is published only after apt has verified all of it, so a failed or interrupted
 * update is never used. A process that uses a state holds a shared flock(2) on its directory; old states without one are
 * removed.
 */
#include <stdbool.h>

#include "builder/apt/sources.h"
#include "builder/cache/cache.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

#define APT_FRESH_SECONDS 3600            /* after this time apt_open() updates from the mirror again */
#define APT_KEEP_SECONDS (14 * 24 * 3600) /* a state that was not used for this long is removed */

struct apt {
	char *path;               /* owned; absolute */
	int fd;                   /* owned; the directory, with a shared lock */
	char indices[SHA256_HEX]; /* digest of the Release files */
};

/* Finds the state of these sources, or makes it with `apt-get update`. update: update even when the state is fresh. */
int apt_open(struct sources *sources, bool update, struct cache *cache, struct apt *ret, struct error *err) MUST_CHECK;
void apt_close(struct apt *apt); /* accepts a zeroed value */

/* Runs apt-get, apt-cache, ... on the state at path; stdout is appended to *ret_output. On failure *err explains apt's messages
 * (apt_error() in apt_text.h). */
int apt_run(const char *path, char *const *argv, struct text *ret_output, struct error *err) MUST_CHECK;
/* Writes apt.conf, an empty dpkg status and the directories. visible: absolute path that the directory has when apt uses it. */
int apt_configure(int dirfd, const char *visible, const char *architecture, struct error *err) MUST_CHECK;
