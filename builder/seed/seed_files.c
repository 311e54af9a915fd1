/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"
#include "lib/vec.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int seed_files_place(const char *out, const char *name, const char *suffix, bool only, char **ret, struct error *err)
{
	if (!out)
		*ret = xasprintf("%s%s", name, suffix);
	else if (is_directory(out))
		*ret = xasprintf("%s%s%s%s", out, text_ends(out, "/") ? "" : "/", name, suffix);
	else if (!only)
		return error_set(err, ERROR_USAGE, "--out %s: for several nodes it must be an existing directory", out);
	else if (text_ends(out, "/"))
		return error_set(err, ERROR_USAGE, "--out %s: there is no such directory", out);
	else
		*ret = xstrdup(out);
	return 0;
}

int seed_files_add(struct seed_files *files, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *part = xasprintf("%.*s.%s.part", (int)(base - path), path, base);
	int fd;

	/* A part that a killed run left behind. */
	unlink(part);
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_errno(err, errno, "make %s", part);
		free(part);
		return -1;
	}
	vec_push(files, (struct seed_file){ xstrdup(path), part });
	return fd;
}

int seed_files_publish(struct seed_files *files, struct error *err)
{
	for (size_t i = 0; i < files->n; i++) {
		struct seed_file *f = &files->at[i];

		if (rename(f->part, f->path) < 0)
			return error_errno(err, errno, "rename %s to %s", f->part, f->path);
		free(TAKE(f->part));
	}
	return 0;
}

void seed_files_done(struct seed_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		if (files->at[i].part)
			unlink(files->at[i].part);
		free(files->at[i].part);
		free(files->at[i].path);
	}
	vec_done(files);
}
