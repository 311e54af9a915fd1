/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files and directory trees. A root is a directory fd (AT_FDCWD for the working directory) and names are relative to it.
 *
 * Functions named *_in resolve a path inside an image's tree as the guest would see it: symlinks, absolute ones and
 * `..` included, never leave the tree (openat2(2), RESOLVE_IN_ROOT). Use them for every name that comes from an image
 * or a recipe.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

/* The whole file into *ret, in place of the text that it has; a NUL follows. More than limit bytes is an error. */
int file_read(int dirfd, const char *name, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
/* The rest of an open file; name is for messages. */
int file_read_fd(int fd, const char *name, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
int file_read_in(int rootfd, const char *path, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
/* Writes a temporary file in the same directory and renames it: readers see the old content or the new, never a part. */
int file_write(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct error *err) MUST_CHECK;
/* The same, with fsync(2) of file and directory: after a power cut the file has the old content or the new. */
int file_write_durable(const char *path, const void *data, size_t len, mode_t mode, struct error *err) MUST_CHECK;
/* Inside a tree; missing parents are created with mode 0755; a symlink at the path is replaced, not followed. */
int file_write_in(int rootfd, const char *path, const void *data, size_t len, mode_t mode, struct error *err)
	MUST_CHECK;

/* openat2 with RESOLVE_IN_ROOT; returns an fd or -1 with errno set. O_CLOEXEC is added. */
int file_open_in(int rootfd, const char *path, int flags, mode_t mode) MUST_CHECK;
/* True when name still refers to the file of fd: a lock on a file that was unlinked or replaced excludes no other process. */
bool file_still_there(int dirfd, const char *name, int fd);
bool file_exists_in(int rootfd, const char *path);
/* Opens the directory that holds path's last component, for *at() calls on that component. Returns an fd (caller
 * closes) and points *ret_base into path; -1 with errno. With make, missing parents are created (0755). */
int file_open_parent_in(int rootfd, const char *path, bool make, const char **ret_base) MUST_CHECK;

/* mkdir -p; an existing directory is fine. */
int dir_make(int dirfd, const char *path, mode_t mode, struct error *err) MUST_CHECK;
/* The directory that a path's last component is in: made if it is missing, and refused when it cannot be written to. */
int dir_make_parent(const char *path, mode_t mode, struct error *err) MUST_CHECK;
int dir_make_in(int rootfd, const char *path, mode_t mode, struct error *err) MUST_CHECK;
/* Opens a directory for reading, with O_CLOEXEC; -1 with *err. */
int dir_open(int dirfd, const char *path, struct error *err) MUST_CHECK;
int dir_open_in(int rootfd, const char *path, struct error *err) MUST_CHECK;
/* False also when it cannot be opened. No link is followed. */
bool dir_is_empty(int dirfd, const char *name);
/* Of a directory or file that no other user may have prepared: ERROR_TRUST unless fd belongs to this user (to root also:
 * to the user that called sudo), and has no bit of forbidden in its mode. path: for the message. */
int file_check_own(int fd, const char *path, mode_t forbidden, struct error *err) MUST_CHECK;
/* rm -rf that follows no symlinks; a mount point below name is an error. A missing name is fine. */
int tree_remove(int dirfd, const char *name, struct error *err) MUST_CHECK;
/* Adds the sizes of all regular files in a tree to *bytes, without their holes; symlinks are not followed. */
int tree_size(int dirfd, const char *name, uint64_t *bytes, struct error *err) MUST_CHECK;

/* Free bytes for this process in the file system of fd; UINT64_MAX when it does not say. */
uint64_t file_free_space(int fd);

/* Writes all len bytes, or returns -1 with errno. */
int write_all(int fd, const void *data, size_t len) MUST_CHECK;
int pwrite_all(int fd, const void *data, size_t len, off_t offset) MUST_CHECK;
/* Reads exactly len bytes, or returns -1 with errno; ENODATA when the file is shorter. */
int pread_all(int fd, void *data, size_t len, off_t offset) MUST_CHECK;
/* Copies the rest of in to out, by copy_file_range(2) where that works, else by read(2) and write(2). */
int copy_all(int in, int out, struct error *err) MUST_CHECK;

/* Sparse files (file_sparse.c). Holes are aligned blocks of this size that are zero, of files that have any: the same for
 * the same content on each file system. */
#define FILE_BLOCK 4096
bool file_is_sparse(const struct stat *st);
/* The first part of the file at or behind from, a multiple of FILE_BLOCK, that is no hole: 1, 0 when there is none, or -1
 * with errno. Moves the file position. */
int file_next_data(int fd, off_t from, off_t *ret_start, off_t *ret_end) MUST_CHECK;
/* As copy_all() for whole files; holes stay holes. out is an empty file. */
int copy_sparse(int in, int out, struct error *err) MUST_CHECK;
