/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guest_file.h"

#include "lib/alloc.h"
#include "lib/file.h"

#define TEXT_MAX (1 << 20) /* /proc/net/tcp of a busy node; the other files have a line or two */

char *guest_text(int rootfd, const char *path)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };

	if (file_read_in(rootfd, path, TEXT_MAX, &text, &ignored) < 0)
		return NULL;
	return text_take(&text);
}

char *guest_word(int rootfd, const char *path)
{
	CLEANUP(free_p) char *text = guest_text(rootfd, path);
	const char *word = text ? text_trim(text) : "";

	return *word ? xstrdup(word) : NULL;
}
