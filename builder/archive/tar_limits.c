/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/tar_limits.h"

#include <string.h>

#include "lib/text.h"

int tar_limits_check(struct tar_limits *l, const char *archive, const struct tar_entry *e, struct error *err)
{
	const char *names[] = { e->path, e->target, e->original };

	if (!e->path || (S_ISLNK(e->mode) && !e->target))
		return error_set(err, ERROR_FAILED, "read %s: a member has no usable name", archive);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && strlen(names[i]) > TAR_PATH_MAX)
			return error_set(err, ERROR_FAILED, "read %s: a name is longer than the limit of %d bytes",
					 archive, TAR_PATH_MAX);
	if (++l->members > TAR_MEMBERS_MAX)
		return error_set(err, ERROR_FAILED, "read %s: more than the limit of %u members", archive,
				 TAR_MEMBERS_MAX);
	if (e->size > TAR_SIZE_MAX - l->bytes)
		return error_set(err, ERROR_FAILED, "read %s: more than the limit of %s, at %s", archive,
				 text_bytes(TAR_SIZE_MAX), e->path);
	l->bytes += e->size;
	return 0;
}
