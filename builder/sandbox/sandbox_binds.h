/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files and directories of the host that a sandbox has: each is bind-mounted at its target. A later bind may be below an
 * earlier one.
 */
#include <stdbool.h>

#include "lib/vec.h"

struct sandbox_bind {
	char *source, *target; /* owned; source: a directory or a file; target: absolute path inside */
	bool read_only;        /* with everything that is mounted below it; EROFS inside */
};
struct sandbox_binds {
	VEC(struct sandbox_bind) list;
};

void sandbox_binds_add(struct sandbox_binds *binds, const char *source, const char *target);
void sandbox_binds_add_read_only(struct sandbox_binds *binds, const char *source, const char *target);
void sandbox_binds_append(struct sandbox_binds *binds, const struct sandbox_binds *more);
void sandbox_binds_done(struct sandbox_binds *binds);
