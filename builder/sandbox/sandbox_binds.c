/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_binds.h"

#include <stdlib.h>

#include "lib/alloc.h"

static void add(struct sandbox_binds *binds, const char *source, const char *target, bool read_only)
{
	vec_push(&binds->list, ((struct sandbox_bind){ xstrdup(source), xstrdup(target), read_only }));
}

void sandbox_binds_add(struct sandbox_binds *binds, const char *source, const char *target)
{
	add(binds, source, target, false);
}

void sandbox_binds_add_read_only(struct sandbox_binds *binds, const char *source, const char *target)
{
	add(binds, source, target, true);
}

void sandbox_binds_append(struct sandbox_binds *binds, const struct sandbox_binds *more)
{
	for (size_t i = 0; i < more->list.n; i++)
		add(binds, more->list.at[i].source, more->list.at[i].target, more->list.at[i].read_only);
}

void sandbox_binds_done(struct sandbox_binds *binds)
{
	for (size_t i = 0; i < binds->list.n; i++) {
		free(binds->list.at[i].source);
		free(binds->list.at[i].target);
	}
	vec_done(&binds->list);
}
