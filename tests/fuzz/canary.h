/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A directory in which a target unpacks what it got, with links out of it; what is next to it stays as it is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"

static const char *const canaries[] = { "", "canary", "outside", "outside/file" };

struct canary {
	char *path;      /* owned; in $TMPDIR, else in memory, which is faster */
	int place, root; /* owned; root: the directory to unpack into, with the links "up" and "absolute" */
	struct stat before[ARRAY_SIZE(canaries)];
};

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void canary_look(const struct canary *c, struct stat ret[ARRAY_SIZE(canaries)])
{
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		need(fstatat(c->place, canaries[i], &ret[i], AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0);
}

static void canary_open(struct canary *c)
{
	const char *directory = getenv("TMPDIR");
	struct error err = { 0 };

	*c = (struct canary){ .path = xasprintf("%s/nodekiln-fuzz.XXXXXX", directory ? directory : "/dev/shm") };
	c->place = mkdtemp(c->path) ? dir_open(AT_FDCWD, c->path, &err) : -1;
	need(c->place >= 0 && mkdirat(c->place, "outside", 0755) == 0 && mkdirat(c->place, "root", 0755) == 0);
	need(file_write(c->place, "canary", "c", 1, 0644, &err) == 0 &&
	     file_write(c->place, "outside/file", "f", 1, 0644, &err) == 0);
	CLEANUP(free_p) char *absolute = xasprintf("%s/outside", c->path);
	need(symlinkat("../outside", c->place, "root/up") == 0 && symlinkat(absolute, c->place, "root/absolute") == 0);
	c->root = dir_open(c->place, "root", &err);
	need(c->root >= 0);
	canary_look(c, c->before);
}

static bool canary_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_size == b->st_size && a->st_nlink == b->st_nlink && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Compares and removes all. */
static void canary_close(struct canary *c)
{
	struct stat after[ARRAY_SIZE(canaries)];
	struct error err = { 0 };

	canary_look(c, after);
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		need(canary_same(&c->before[i], &after[i]));
	close(c->root);
	close(c->place);
	need(tree_remove(AT_FDCWD, c->path, &err) == 0);
	free(c->path);
}
