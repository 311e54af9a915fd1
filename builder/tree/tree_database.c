/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/tree_database.h"

#include <string.h>

#include "builder/lock/dpkg_status.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

int tree_append(int rootfd, const char *path, const char *text, struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };

	if (file_exists_in(rootfd, path) && file_read_in(rootfd, path, DPKG_STATUS_MAX, &content, err) < 0)
		return -1;
	text_add(&content, text);
	return file_write_in(rootfd, path, content.data, content.len, 0644, err);
}

static int add_named(int rootfd, const char *trigger, const char *id, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf(DPKG_TRIGGERS "/%s", trigger);
	CLEANUP(free_p) char *line = xasprintf("%s\n", id);

	return tree_append(rootfd, path, line, err);
}

int tree_add_interests(int rootfd, const char *interests, struct error *err)
{
	CLEANUP(text_done) struct text file = { 0 };
	CLEANUP(free_p) char *copy = xstrdup(interests);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *id = line;
		const char *trigger = strsep(&id, " ");
		if (!id)
			continue;
		if (*trigger == '/')
			text_addf(&file, "%s %s\n", trigger, id);
		else if (add_named(rootfd, trigger, id, err) < 0)
			return -1;
	}
	if (!file.len)
		return 0;
	return tree_append(rootfd, DPKG_TRIGGERS "/File", file.data, err);
}
