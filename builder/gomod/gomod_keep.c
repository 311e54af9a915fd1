/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies what stays of a compilation. Programs of a lock have run in the work directory: names come from the lock and the
 * component's file only, and symlinks there do not lead out of it.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/goproxy.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define LICENCE_MAX (4u << 20)

static const char *const license_files[] = { "LICENSE", "LICENCE", "COPYING", "UNLICENSE", NULL };
/* Have no licence; a licence may require that they go with the program. */
static const char *const notice_files[] = { "NOTICE", "PATENTS", NULL };

static bool begins_with_one(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (!strncasecmp(name, *words, strlen(*words)))
			return true;
	return false;
}

bool gomod_is_license(const char *name)
{
	return begins_with_one(name, license_files);
}

static bool is_kept(const char *name)
{
	return gomod_is_license(name) || begins_with_one(name, notice_files);
}

static int copy_licence(int from, const char *name, int to, const char *directory, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *copy = xasprintf("%s/%s", directory, name);
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (file_read_in(from, name, LICENCE_MAX, &text, err) < 0)
		return -1;
	return file_write_in(to, copy, text.data ? text.data : "", text.len, 0644, err);
}

/* Go unpacks a module at PATH@VERSION, escaped as in URLs. */
static int copy_licences(const struct go_tree *g, const struct lock_module *m, int to, struct error *err)
{
	CLEANUP(free_p) char *path = goproxy_escape(m->path), *version = goproxy_escape(m->version);
	CLEANUP(free_p) char *from = xasprintf(GO_TREE_MODULES "/%s@%s", path, version);
	CLEANUP(free_p) char *directory = xasprintf(GOMOD_LICENSES "/%s@%s", m->path, m->version);
	int fd = file_open_in(g->workfd, from, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "list the unpacked module %s %s", m->path, m->version);
	while ((entry = readdir(dir)))
		if (is_kept(entry->d_name) && copy_licence(fd, entry->d_name, to, directory, err) < 0)
			return -1;
	return 0;
}

int gomod_copy_program(int from, const char *name, int to, const char *copy, struct error *err)
{
	CLEANUP(close_p) int in = file_open_in(from, name, O_RDONLY | O_NOFOLLOW, 0);
	CLEANUP(close_p) int out = openat(to, copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (in < 0 || out < 0)
		return error_errno(err, errno, "copy the program %s", name);
	return fchmod(out, 0755) < 0 ? error_errno(err, errno, "set the mode of %s", copy) : copy_all(in, out, err);
}

int gomod_keep(const struct go_tree *g, const struct component *c, const struct lock_component *locked,
	       const struct strings *linked, int to, struct error *err)
{
	if (dir_make(to, GOMOD_BIN, 0755, err) < 0 || dir_make(to, GOMOD_LICENSES, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < c->programs.n; i++) {
		CLEANUP(free_p) char *copy = xasprintf(GOMOD_BIN "/%s", c->programs.at[i].name);
		CLEANUP(free_p) char *made = xasprintf(GOMOD_PROGRAMS "/%s/%s", c->name, c->programs.at[i].name);
		if (gomod_copy_program(g->workfd, made, to, copy, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < locked->modules.n; i++) {
		const struct lock_module *m = &locked->modules.at[i];
		CLEANUP(free_p) char *name = xasprintf("%s@%s", m->path, m->version);
		if (m->sum && strings_has(linked, name) && copy_licences(g, m, to, err) < 0)
			return -1;
	}
	return 0;
}
