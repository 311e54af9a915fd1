/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Input files as data: those named should-fail-NAME.yaml are refused with the sentence in NAME.txt next to them. UPDATE_GOLDEN=1 writes
 * the sentences; read the difference.
 */
#include <dirent.h>

#include "lib/file.h"
#include "tests/unit/check.h"

static inline bool is_golden(const char *file, const char *got)
{
	CLEANUP(text_done) struct text want = { 0 };
	struct error err = { 0 };

	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got, strlen(got), 0644, &err) < 0)
		return false;
	if (file_read(AT_FDCWD, file, 1 << 20, &want, &err) == 0 && text_same(got, want.data))
		return true;
	printf("# %s: got:\n%s", file, got);
	return false;
}

static inline bool is_refused(const char *folder, const char *name, int (*load)(const char *file, struct error *err))
{
	CLEANUP(free_p) char *file = xasprintf("%s/%s", folder, name);
	CLEANUP(free_p) char *txt = xasprintf("%.*s.txt", (int)(strlen(file) - strlen(".yaml")), file);
	struct error err = { 0 };

	if (load(file, &err) == 0 || err.class != ERROR_INPUT)
		return false;
	CLEANUP(free_p) char *said = xasprintf("%s\n", err.text);
	return is_golden(txt, said);
}

/* How many there are; 0 when one of them was not refused as it should be. */
static inline size_t count_refused(const char *folder, int (*load)(const char *file, struct error *err))
{
	CLEANUP(closedir_p) DIR *dir = opendir(folder);
	size_t n = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!text_starts(e->d_name, "should-fail-") || !text_ends(e->d_name, ".yaml"))
			continue;
		if (!is_refused(folder, e->d_name, load)) {
			printf("# %s/%s\n", folder, e->d_name);
			return 0;
		}
		n++;
	}
	return n;
}
