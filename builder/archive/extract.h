/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tar members into a tree. The tree is a directory fd and nothing that an archive says leads out of it: names with `..` or a
 * leading '/' are refused, and symbolic links on the way are followed as the guest would see them, inside the tree.
 *
 * What stands in a member's place is replaced, but a directory never by something else, and a link to a directory stays when
 * the member is a directory (that is how /lib -> usr/lib works). A directory's time is set by extract_finish(), when nothing is
 * put into it any more.
 */
#include "builder/archive/tar.h"
#include "lib/error.h"
#include "lib/vec.h"

struct extract_time {
	char *path; /* owned */
	time_t mtime;
};

/* Declare as { .rootfd = fd, .parentfd = -1 }; one thread each. */
struct extract {
	int rootfd;   /* borrowed */
	int parentfd; /* owned; the directory of the last member, which is mostly that of the next */
	char *parent; /* owned; its path */
	VEC(struct extract_time) times;
};

/* A member's name as a path from the root: "./usr/bin/" is "usr/bin", "./" is "". */
int extract_path(const char *member, char ret[TAR_PATH_MAX + 1], struct error *err) MUST_CHECK;
/* Puts the reader's current member to path. The content of a regular file goes to *copy as well, unless that is NULL. */
int extract_entry(struct extract *x, struct tar_reader *r, const struct tar_entry *e, const char *path,
		  struct text *copy, struct error *err) MUST_CHECK;
/* Sees that path is a directory; its parents too. */
int extract_directory(struct extract *x, const char *path, struct error *err) MUST_CHECK;
/* Owner, permissions, attributes and time of a directory that is there. A symbolic link in its place is left alone. */
int extract_stamp(struct extract *x, const char *path, const struct tar_entry *e, struct error *err) MUST_CHECK;
int extract_finish(struct extract *x, struct error *err) MUST_CHECK;
void extract_done(struct extract *x);
