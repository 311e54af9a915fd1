/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files of a guest that can run shell scripts, and nothing else: dash with its libraries, from the host. The scripts have the
 * shell's builtins only, and log to /log.
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

struct tiny_file {
	char *host, *guest; /* owned; host: a path; guest: below the root, in usr/ */
};

struct tiny_guest {
	struct tiny_file file[3];
};

/* False if the host is none of those that this works on: the test is skipped. */
static inline bool tiny_guest_find(struct tiny_guest *ret)
{
	static const char loader[] = "/lib64/ld-linux-x86-64.so.2";
	char *line = NULL;
	size_t size = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	*ret = (struct tiny_guest){ .file = { { xstrdup("/bin/sh"), xstrdup("usr/bin/sh") },
					      { xstrdup(loader), xasprintf("usr%s", loader) } } };
	while (maps && !ret->file[2].host && getline(&line, &size, maps) > 0) {
		char *path = strchr(line, '/');
		if (path && strstr(path, "/libc.so.6\n")) {
			path[strcspn(path, "\n")] = '\0';
			ret->file[2].host = xstrdup(path);
			ret->file[2].guest = xasprintf("%s%s", text_starts(path, "/usr/") ? "" : "usr/", path + 1);
		}
	}
	free(line);
	if (maps)
		fclose(maps);
	return geteuid() == 0 && access(loader, R_OK) == 0 && ret->file[2].host;
}

static inline void tiny_guest_done(struct tiny_guest *g)
{
	for (size_t i = 0; i < ARRAY_SIZE(g->file); i++) {
		free(g->file[i].host);
		free(g->file[i].guest);
	}
}

static inline void tiny_guest_read(const struct tiny_file *file, struct text *ret)
{
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file->host, 16 << 20, ret, &err) < 0)
		abort();
}
