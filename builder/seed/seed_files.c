/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/seed/seed.h"
#include "builder/seed/seed_tarball.h"
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
	struct stat st;

	if (!out)
		*ret = xasprintf("%s%s", name, suffix);
	else if (is_directory(out) || text_ends(out, "/") || (!only && stat(out, &st) < 0 && !text_ends(out, suffix)))
		*ret = xasprintf("%s%s%s%s", out, text_ends(out, "/") ? "" : "/", name, suffix);
	else if (!only)
		return error_set(err, ERROR_USAGE, "--out %s: several seeds need a directory", out);
	else
		*ret = xstrdup(out);
	return 0;
}

/* An ISO 9660 volume's descriptor is its 17th block: type, "CD001", version, and at byte 40 the label. */
static bool is_iso(int fd)
{
	char block[40 + sizeof SEED_ISO_LABEL - 1];

	return pread_all(fd, block, sizeof block, 16 * 2048) == 0 && !memcmp(block + 1, "CD001", 5) &&
	       !memcmp(block + 40, SEED_ISO_LABEL, sizeof SEED_ISO_LABEL - 1);
}

int seed_files_check(const char *path, bool fresh, struct error *err)
{
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open %s", path);
	if (S_ISREG(st.st_mode) && !st.st_size)
		return 0;
	if (!S_ISREG(st.st_mode) || !(is_iso(fd) || seed_tarball_is(fd)))
		return error_set(err, ERROR_USAGE,
				 "%s is there already and is no seed; remove it, or name another file (--out)", path);
	return fresh ? error_set(err, ERROR_USAGE,
				 "%s is a seed already, and the new one would have other secrets; name the file of the "
				 "cluster's secrets (--secrets), or replace the seed (--force)",
				 path)
		     : 0;
}

char *seed_files_part(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return xasprintf("%.*s.%s.part", (int)(base - path), path, base);
}

void seed_files_discard(const char *path)
{
	CLEANUP(free_p) char *part = seed_files_part(path);

	unlink(part);
}

int seed_files_add(struct seed_files *files, const char *path, struct error *err)
{
	char *part = seed_files_part(path);
	int fd = -1;

	unlink(part);
	if (dir_make_parent(path, 0755, err) == 0 && (fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		error_errno(err, errno, "make %s", path);
	if (fd < 0) {
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
			return error_errno(err, errno, "write %s", f->path);
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
