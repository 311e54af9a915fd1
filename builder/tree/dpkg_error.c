/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/dpkg_error.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

static const char *const signs[] = { "dpkg: error", "dpkg: dependency problems" };

static bool is_error(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (text_starts(line, signs[i]))
			return true;
	return false;
}

static void add(struct dpkg_error *c, const char *line)
{
	CLEANUP(free_p) char *copy = xstrdup(line);
	const char *trimmed = text_trim(copy);

	if (*trimmed)
		text_addf(&c->text, "%s%s", c->text.len ? " | " : "", trimmed);
}

static void remember(struct dpkg_error *c, const char *line)
{
	char **slot = &c->before[c->next++ % DPKG_ERROR_BEFORE];

	free(*slot);
	*slot = xstrdup(line);
}

void dpkg_error_line(struct dpkg_error *c, const char *line)
{
	if (c->text.len) {
		if (c->after++ < DPKG_ERROR_AFTER)
			add(c, line);
		return;
	}
	if (!is_error(line)) {
		remember(c, line);
		return;
	}
	for (unsigned i = 0; i < DPKG_ERROR_BEFORE; i++)
		if (c->before[(c->next + i) % DPKG_ERROR_BEFORE])
			add(c, c->before[(c->next + i) % DPKG_ERROR_BEFORE]);
	add(c, line);
}

void dpkg_error_done(struct dpkg_error *c)
{
	for (unsigned i = 0; i < DPKG_ERROR_BEFORE; i++)
		free(c->before[i]);
	text_done(&c->text);
}
