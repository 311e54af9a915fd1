/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Extracts tar members into a tree. The tree is a directory fd, and no member leads out of it: names with
 * `..` or a leading '/' are refused, and symbolic links in a path are resolved within the tree, as the guest
 * would see them.
 *
 * A member replaces an existing entry of its name, with two exceptions: a directory is never replaced by
 * anything else, and a symbolic link to a directory stays when the member is a directory (so /lib -> usr/lib
 * works). extract_finish() sets the times of directories, after the last entry has been put into them.
 */
#include "builder/archive/tar.h"
#include "lib/error.h"
#include "lib/vec.h"

struct extract_time {
	char *path; /* owned */
	time_t mtime;
};

/* Declare as { .rootfd = fd, .parentfd = -1 }. Each thread needs its own. */
struct extract {
	int rootfd;   /* borrowed */
	int parentfd; /* owned; the directory of the last member, usually also that of the next one */
	char *parent; /* owned; its path */
	VEC(struct extract_time) times;
};

/* The name of a member as a path from the root: "./usr/bin/" is "usr/bin", "./" is "". */
int extract_path(const char *member, char ret[TAR_PATH_MAX + 1], struct error *err) MUST_CHECK;
/* Extracts the reader's current member to path. The content of a regular file is appended to *copy too,
 * unless that is NULL. */
int extract_entry(struct extract *x, struct tar_reader *r, const struct tar_entry *e, const char *path,
		  struct text *copy, struct error *err) MUST_CHECK;
/* Makes the directory path and its parents where they are missing. */
int extract_directory(struct extract *x, const char *path, struct error *err) MUST_CHECK;
/* Sets owner, permissions, attributes and time of an existing directory. A symbolic link in its place is left
 * alone. */
int extract_stamp(struct extract *x, const char *path, const struct tar_entry *e, struct error *err) MUST_CHECK;
/* Sets the times of all directories that were members. */
int extract_finish(struct extract *x, struct error *err) MUST_CHECK;
void extract_done(struct extract *x);
