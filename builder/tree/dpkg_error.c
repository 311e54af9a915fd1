/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/dpkg_error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"

static const char *const prefixes[] = { "dpkg: error", "dpkg: dependency problems" };

static bool is_error(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (text_starts(line, prefixes[i]))
			return true;
	return false;
}

static void add(struct dpkg_error *e, const char *line)
{
	CLEANUP(free_p) char *copy = xstrdup(line);
	const char *trimmed = text_trim(copy);

	if (*trimmed)
		text_addf(&e->text, "%s%s", e->text.len ? " | " : "", trimmed);
}

static void remember(struct dpkg_error *e, const char *line)
{
	char **slot = &e->before[e->next++ % DPKG_ERROR_BEFORE];

	free(*slot);
	*slot = xstrdup(line);
}

void dpkg_error_line(struct dpkg_error *e, const char *line)
{
	if (e->text.len) {
		if (e->after++ < DPKG_ERROR_AFTER)
			add(e, line);
		return;
	}
	if (!is_error(line)) {
		remember(e, line);
		return;
	}
	for (unsigned i = 0; i < DPKG_ERROR_BEFORE; i++)
		if (e->before[(e->next + i) % DPKG_ERROR_BEFORE])
			add(e, e->before[(e->next + i) % DPKG_ERROR_BEFORE]);
	add(e, line);
}

void dpkg_error_done(struct dpkg_error *e)
{
	for (unsigned i = 0; i < DPKG_ERROR_BEFORE; i++)
		free(e->before[i]);
	text_done(&e->text);
}
