/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Processes that a program of a tree leaves running when it ends, such as a daemon that a package's script starts. An image has no
 * processes, and what they still do to the tree would depend on how long they live: they are killed.
 */
#include "lib/error.h"
#include "lib/macro.h"

/* From here on the calling process inherits the orphans of its children (PR_SET_CHILD_SUBREAPER). */
int sandbox_orphans_inherit(struct error *err) MUST_CHECK;

/* Gets the name of a program, and the value of the environment variable that was asked for; each NULL when it is not known. */
typedef void sandbox_orphan_fn(void *context, const char *program, const char *value);

/* Kills and reaps all children of the calling process and theirs, to the last; for one that had orphans from its own programs
 * only. found, unless NULL, is called for each that would have continued to run. */
void sandbox_orphans_kill(const char *variable, sandbox_orphan_fn *found, void *context);
