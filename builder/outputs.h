/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The artifacts of one build, all or none: written into a hidden directory beside their place, then renamed one after the other
 * with the old ones kept aside until the last is in place; a build that was killed in between is finished or undone by the next.
 *
 *	NAME.qcow2  NAME.tar.zst  NAME.manifest.json  NAME.spdx.json  NAME.SHA256SUMS
 */
#include "builder/lock.h"
#include "builder/recipe.h"
#include "lib/error.h"
#include "lib/json.h"

struct outputs {
	char *directory; /* owned */
	char *name;	 /* owned */
	int dirfd;	 /* owned; the final directory */
	int stagefd;	 /* owned; the hidden one */
	char *stage;	 /* owned; its name below dirfd */
};

int outputs_open(const char *directory, const char *name, struct outputs *ret, struct error *err) MUST_CHECK;
/* A new file in the stage, e.g. outputs_file(o, "qcow2"): NAME.qcow2. Returns an fd (caller closes). */
int outputs_file(const struct outputs *o, const char *suffix, struct error *err) MUST_CHECK;
/* Sums of everything in the stage, then the renames. */
int outputs_publish(struct outputs *o, struct error *err) MUST_CHECK;
/* Drops a stage that was not published; accepts a zeroed value. */
void outputs_close(struct outputs *o);
