/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The artifacts of one build, published all together or not at all:
 *
 *	NAME.qcow2  NAME.tar.zst  NAME.manifest.json  NAME.spdx.json  NAME.provenance.json
 *	and their lines in SHA256SUMS, which all images of the directory share
 *
 * They are written into the staging directory `.NAME.stage/`, inside the final directory, and published in four steps:
 *
 *	1. every staged file is hashed and flushed to the disk
 *	2. the journal `.NAME.stage/commit` (rename_journal.h) appears by rename; from here on the build counts as published
 *	3. old artifacts are hard-linked into `.NAME.stage/old/`, new ones renamed over them; SHA256SUMS is renamed last
 *	4. the journal is removed, then the staging directory
 *
 * After a kill before 2, the next artifacts_open() of that name removes the staging directory; after a kill
 * later, it repeats 3 and 4, whose steps may all be repeated. When a step of 3 fails, the journal is renamed
 * to `undo` and the old state is restored; that may be repeated too.
 *
 * A build of NAME holds a flock(2) on the staging directory: a second build of it is refused. Changes of
 * SHA256SUMS are made with a flock on the directory.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

#define ARTIFACTS_SUMS "SHA256SUMS"

struct artifact {
	char *name; /* owned; "NAME.qcow2" */
	uint64_t size;
	struct timespec changed; /* mtime when it was hashed: a file that has changed since is hashed again */
	char sha256[65];
};

struct artifacts {
	char *directory;             /* owned */
	char *name;                  /* owned */
	int dirfd;                   /* owned; the final directory */
	int stagefd;                 /* owned; the staging directory, locked; -1 once published */
	char *stage;                 /* owned; its name below dirfd */
	VEC(struct artifact) summed; /* the files hashed by artifacts_sum() */
	char *keyring;               /* owned; in the staging directory; NULL = SHA256SUMS will not be signed */
	struct text sums;            /* owned; SHA256SUMS as artifacts_publish() has written it */
};

/* Makes the directory if it is missing (one of another user, or that others may write to, is ERROR_TRUST), completes the work
 * of a killed build of that name, and opens an empty staging directory. */
int artifacts_open(const char *directory, const char *name, struct artifacts *ret, struct error *err) MUST_CHECK;
/* Call it when SHA256SUMS will be signed by a key of this keyring. Lines of other images count as long as SHA256SUMS.gpg is a good
 * signature by one of these keys; otherwise this and artifacts_publish() are ERROR_TRUST, because nothing shows whose lines they are. */
int artifacts_sign(struct artifacts *o, const struct text *keyring, struct error *err) MUST_CHECK;
/* After artifacts_sign(): whether SHA256SUMS is signed by such a key, and the published artifacts have its digests. */
bool artifacts_are_signed(const struct artifacts *o);
/* Creates a staged file, e.g. NAME.qcow2 by artifacts_file(o, "qcow2"). Returns an fd to read and write
 * (caller closes). */
int artifacts_file(const struct artifacts *o, const char *suffix, struct error *err) MUST_CHECK;
/* Hashes and flushes the staged files that are new or changed since the last call, e.g. before the manifest
 * is written. o->summed is then the list of all, sorted by name. */
int artifacts_sum(struct artifacts *o, struct error *err) MUST_CHECK;
/* o->summed as [{"file": "NAME.qcow2", "size": 1, "sha256": ".."}, ...]. */
struct json *artifacts_json(const struct artifacts *o) MUST_CHECK;
/* Publishes the staged files. On failure the old artifacts are as they were. */
int artifacts_publish(struct artifacts *o, struct error *err) MUST_CHECK;
/* Removes a staging directory that was not published; accepts a zeroed value. */
void artifacts_close(struct artifacts *o);
