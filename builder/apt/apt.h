/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * apt in a private state of its own: nothing of the host's configuration, sources, keys, lists or installed packages is seen,
 * nothing is written outside the cache.
 *
 *	apt/KEY-INDICES/	KEY: digest of the sources; INDICES: digest of the signed Release files that were fetched
 *		etc/ keyrings/ var/ status	apt's world; etc/ and the lists never change once it is published
 *		indices		the whole digest
 *		checked		its time stamp says when the mirror was last asked
 *		solutions/	what was solved with these indices (resolve.c)
 *
 * An update is made in a scratch directory and published only when apt verified all of it; so an update that failed, or was
 * killed, is never seen. Whoever uses a state holds a shared lock on it, and old ones are removed when nobody does.
 */
#include <stdbool.h>

#include "builder/apt/sources.h"
#include "builder/cache/cache.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

#define APT_FRESH_SECONDS 3600            /* the mirror is asked again after this */
#define APT_KEEP_SECONDS (14 * 24 * 3600) /* a state that nobody asked for so long is removed */

struct apt {
	char *path;               /* owned; absolute */
	int fd;                   /* owned; of the directory, locked shared */
	char indices[SHA256_HEX]; /* equal for equal Release files, of equal sources */
};

/* Finds the state of these sources, or makes it by `apt-get update`; update: ask the mirror in any case. */
int apt_open(struct sources *sources, bool update, struct cache *cache, struct apt *ret, struct error *err) MUST_CHECK;
void apt_close(struct apt *apt); /* accepts a zeroed value */

/* Runs apt-get, apt-cache, ... there. A failure is apt's complaint as one sentence with its class (apt_text.h). */
int apt_run(const char *path, char *const *argv, struct text *ret_output, struct error *err) MUST_CHECK;
/* Writes apt.conf and the directories. visible: absolute path that the directory will have when apt runs in it. */
int apt_configure(int dirfd, const char *visible, const char *architecture, struct error *err) MUST_CHECK;
