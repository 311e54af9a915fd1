/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The artifacts of one build, all or none:
 *
 *	NAME.qcow2  NAME.tar.zst  NAME.manifest.json  NAME.spdx.json	and their lines in SHA256SUMS, which the images
 *of a directory share
 *
 * They are written into `.NAME.stage/` beside their place and come out in one commit (rename_journal.h):
 *
 *	1. every staged file is summed and flushed to the disk
 *	2. `.NAME.stage/commit` appears, by rename: the list of what is to happen. From here on the build counts as
 *published
 *	3. old artifacts are hard-linked into `.NAME.stage/old/`, new ones renamed over them, SHA256SUMS is renamed last
 *	4. `commit` goes, then the stage
 *
 * Killed before 2, the next artifacts_open() of that name drops the stage; killed after 2, it does 3 and 4 again, each
 *step of which may be repeated. When a step of 3 fails, `commit` is renamed to `undo` and the old state comes back;
 *that may be repeated too.
 *
 * Who builds NAME holds a flock on the stage: a second build of it is refused. Who changes SHA256SUMS holds one on the
 *directory.
 */
#include <stdint.h>
#include <time.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/vec.h"

#define OUTPUTS_SUMS "SHA256SUMS"

struct output {
	char *name; /* owned; "NAME.qcow2" */
	uint64_t size;
	struct timespec changed; /* when it was summed: a file that was written to since is summed again */
	char sha256[65];
};

struct artifacts {
	char *directory;           /* owned */
	char *name;                /* owned */
	int dirfd;                 /* owned; the final directory */
	int stagefd;               /* owned; the hidden one, locked; -1 once published */
	char *stage;               /* owned; its name below dirfd */
	VEC(struct output) summed; /* what artifacts_sum() has seen */
};

/* Makes the directory if it must, ends what a killed build of that name left, and opens an empty stage. */
int artifacts_open(const char *directory, const char *name, struct artifacts *ret, struct error *err) MUST_CHECK;
/* A new file in the stage, e.g. artifacts_file(o, "qcow2"): NAME.qcow2. Returns an fd to read and write (caller closes).
 */
int artifacts_file(const struct artifacts *o, const char *suffix, struct error *err) MUST_CHECK;
/* Sums and flushes what is in the stage and was not summed before, e.g. the artifacts before the manifest is written. The list,
 * sorted by name, is o->summed. */
int artifacts_sum(struct artifacts *o, struct error *err) MUST_CHECK;
/* What o->summed holds: [{"file": "NAME.qcow2", "size": 1, "sha256": ".."}, ...] */
struct json *outputs_json(const struct artifacts *o) MUST_CHECK;
/* The commit. On failure the old artifacts are as they were. */
int artifacts_publish(struct artifacts *o, struct error *err) MUST_CHECK;
/* Drops a stage that was not published; accepts a zeroed value. */
void artifacts_close(struct artifacts *o);
