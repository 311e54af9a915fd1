/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/tarball.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/archive/extract.h"
#include "builder/archive/kept_xattr.h"
#include "builder/archive/tar.h"
#include "lib/file.h"

#define READ_CHUNK (1 << 20)
#define XATTR_NAMES_MAX 65536 /* the kernel's own limit */
#define XATTR_VALUE_MAX 65536
#define TEMPLATE_ID_MAX 65535u /* what an unprivileged container maps */

/* In addition to those of an image, what a layer needs; other attributes of overlays (origin, impure) name inodes of the file system
 * that the layer was made on. */
static const char *const layer_xattrs[] = { "trusted.overlay.opaque", "trusted.overlay.redirect",
					    "trusted.overlay.metacopy" };

/* A file with several names: the first in the archive is the member, the others are hard links to it. */
struct first_name {
	dev_t device;
	ino_t inode;
	char *path; /* owned */
};

struct tarball_writer {
	const struct tarball *tarball; /* borrowed */
	struct tar_writer *tar;        /* owned */
	char *buffer;                  /* owned; READ_CHUNK */
	struct text path;              /* of the current entry, "./..." */
	struct text names, values;     /* of its extended attributes */
	struct tar_xattr xattr[TAR_XATTR_MAX];
	size_t start[TAR_XATTR_MAX];
	VEC(struct first_name) links;
	uint64_t members;
	size_t frame; /* of index: the next to be filled in */
};

static void writer_done(struct tarball_writer *w)
{
	for (size_t i = 0; i < w->links.n; i++)
		free(w->links.at[i].path);
	vec_done(&w->links);
	text_done(&w->path);
	text_done(&w->names);
	text_done(&w->values);
	tar_writer_free_p(&w->tar);
	free(w->buffer);
}

static bool xattr_wanted(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_xattrs); i++)
		if (!strcmp(name, layer_xattrs[i]))
			return true;
	return kept_xattr(name);
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/* Appends to w->values, where the value starts at w->start[]: a pointer would not survive the growth of the text. */
static int read_xattr(struct tarball_writer *w, int fd, const char *name, struct tar_entry *e, struct error *err)
{
	ssize_t n = fgetxattr(fd, name, w->buffer, XATTR_VALUE_MAX);

	if (n < 0)
		return error_errno(err, errno, "read %s of %s", name, w->path.data);
	if (e->xattrs == TAR_XATTR_MAX)
		return error_set(err, ERROR_FAILED, "%s has more than %d extended attributes", w->path.data,
				 TAR_XATTR_MAX);
	w->start[e->xattrs] = w->values.len;
	w->xattr[e->xattrs++] = (struct tar_xattr){ .name = name, .size = (size_t)n };
	text_addn(&w->values, w->buffer, (size_t)n);
	return 0;
}

static int read_xattrs(struct tarball_writer *w, int fd, struct tar_entry *e, struct error *err)
{
	ssize_t n = flistxattr(fd, w->buffer, XATTR_NAMES_MAX);

	if (n < 0 && errno != ENOTSUP)
		return error_errno(err, errno, "list the extended attributes of %s", w->path.data);
	if (n <= 0)
		return 0;
	w->names.len = w->values.len = 0;
	text_addn(&w->names, w->buffer, (size_t)n);
	for (const char *name = w->names.data; name < w->names.data + n; name += strlen(name) + 1)
		if (xattr_wanted(name) && read_xattr(w, fd, name, e, err) < 0)
			return -1;
	for (size_t i = 0; i < e->xattrs; i++)
		w->xattr[i].value = w->values.data + w->start[i];
	qsort(w->xattr, e->xattrs, sizeof *w->xattr, compare_xattrs);
	e->xattr = w->xattr;
	return 0;
}

static int write_content(struct tarball_writer *w, int fd, uint64_t size, struct error *err)
{
	while (size > 0) {
		ssize_t n = read(fd, w->buffer, size < READ_CHUNK ? (size_t)size : READ_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "read %s", w->path.data);
		if (n == 0)
			return error_set(err, ERROR_FAILED, "%s became shorter while it was read", w->path.data);
		if (tar_write_data(w->tar, w->buffer, (size_t)n, err) < 0)
			return -1;
		size -= (uint64_t)n;
	}
	return 0;
}

static int write_chunk(struct tarball_writer *w, int fd, const struct chunks_file *packed, uint64_t n,
		       struct error *err)
{
	struct chunks_index *index = w->tarball->index;
	struct chunks_piece piece;
	struct chunks_frame frame;
	int rc;

	if (chunks_get(w->tarball->chunks, packed, n, &piece)) {
		rc = tar_write_frame(w->tar, &piece, &frame, err);
	} else {
		if (pread_all(fd, w->buffer, CHUNK, (off_t)(n << CHUNK_BITS)) < 0)
			return error_errno(err, errno, "read %s", w->path.data);
		rc = tar_write_chunk(w->tar, w->buffer, &frame, err);
	}
	if (index)
		index->frames.at[w->frame++] = frame;
	return rc;
}

/* Writes each whole chunk of the content as a separate frame. The file position of fd is then after them. */
static int write_chunks(struct tarball_writer *w, int fd, const struct stat *st, uint64_t *ret_done, struct error *err)
{
	const struct chunks_file *packed = chunks_find(w->tarball->chunks, st);
	uint64_t n = w->tarball->compression == COMPRESSION_ZSTD ? (uint64_t)st->st_size >> CHUNK_BITS : 0;

	*ret_done = n << CHUNK_BITS;
	if (n && w->tarball->index)
		w->frame = chunks_index_add(w->tarball->index, w->path.data + strlen("./"), st);
	for (uint64_t i = 0; i < n; i++)
		if (write_chunk(w, fd, packed, i, err) < 0)
			return -1;
	if (n && lseek(fd, (off_t)*ret_done, SEEK_SET) < 0)
		return error_errno(err, errno, "read %s", w->path.data);
	return 0;
}

/* The first name of this file; NULL when the current path is the first. */
static const char *first_name(struct tarball_writer *w, const struct stat *st)
{
	for (size_t i = 0; i < w->links.n; i++)
		if (w->links.at[i].inode == st->st_ino && w->links.at[i].device == st->st_dev)
			return w->links.at[i].path;
	vec_push(&w->links, (struct first_name){ st->st_dev, st->st_ino, xstrdup(w->path.data) });
	return NULL;
}

static int check_template(const struct tarball_writer *w, const struct tar_entry *e, struct error *err)
{
	if (!w->tarball->strict)
		return 0;
	if (S_ISCHR(e->mode) || S_ISBLK(e->mode))
		return error_set(err, ERROR_VERIFY, "%s is a device node, which a container template must not have",
				 e->path);
	if (e->uid > TEMPLATE_ID_MAX || e->gid > TEMPLATE_ID_MAX)
		return error_set(err, ERROR_VERIFY,
				 "%s belongs to %u:%u, and an unprivileged container knows ids up to %u", e->path,
				 e->uid, e->gid, TEMPLATE_ID_MAX);
	return 0;
}

static int write_symlink(struct tarball_writer *w, int dirfd, const char *name, struct tar_entry *e, struct error *err)
{
	char target[TAR_PATH_MAX + 1];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);

	if (n < 0 || (size_t)n == sizeof target)
		return error_errno(err, n < 0 ? errno : ENAMETOOLONG, "read the link %s", w->path.data);
	target[n] = '\0';
	e->target = target;
	return tar_write_entry(w->tar, e, err);
}

/* The parts of a sparse file that are written; it has no chunks, and its holes take no time. */
static int write_sparse(struct tarball_writer *w, int fd, struct tar_entry *e, struct error *err)
{
	struct tar_data data = { 0 };
	off_t start, end = 0;
	int rc;

	while ((rc = file_next_data(fd, end, &start, &end)) > 0)
		vec_push(&data.part, (struct tar_part){ start, end - start });
	if (!data.part.n)
		vec_push(&data.part, (struct tar_part){ (off_t)e->size, 0 });
	e->data = &data;
	if (rc < 0 || lseek(fd, 0, SEEK_SET) < 0)
		rc = error_errno(err, errno, "read %s", w->path.data);
	else
		rc = tar_write_entry(w->tar, e, err) < 0 || write_content(w, fd, e->size, err) < 0 ? -1 : 0;
	e->data = NULL;
	vec_done(&data.part);
	return rc;
}

static int write_file(struct tarball_writer *w, int dirfd, const char *name, const struct stat *st, struct tar_entry *e,
		      struct error *err)
{
	e->original = st->st_nlink > 1 ? first_name(w, st) : NULL;
	if (e->original)
		return tar_write_entry(w->tar, e, err);
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open %s", w->path.data);
	e->size = (uint64_t)st->st_size;
	uint64_t done;
	if (read_xattrs(w, fd, e, err) < 0)
		return -1;
	if (file_is_sparse(st))
		return write_sparse(w, fd, e, err);
	if (tar_write_entry(w->tar, e, err) < 0 || write_chunks(w, fd, st, &done, err) < 0)
		return -1;
	return write_content(w, fd, e->size - done, err);
}

static int write_children(struct tarball_writer *w, int fd, struct error *err);

static int write_directory(struct tarball_writer *w, int dirfd, const char *name, struct tar_entry *e,
			   struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open %s", w->path.data);
	if (read_xattrs(w, fd, e, err) < 0 || tar_write_entry(w->tar, e, err) < 0)
		return -1;
	return write_children(w, fd, err);
}

static int write_entry(struct tarball_writer *w, int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", w->path.data);
	time_t newest = w->tarball->newest, stamp = w->tarball->stamp ? w->tarball->stamp : newest;
	struct tar_entry e = {
		.path = w->path.data,
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.device = st.st_rdev,
		.mtime = newest && st.st_mtime > newest ? stamp : st.st_mtime,
	};
	/* A socket is useless without the process that listens. */
	if (S_ISSOCK(st.st_mode))
		return 0;
	if (check_template(w, &e, err) < 0)
		return -1;
	w->members++;
	if (S_ISDIR(st.st_mode))
		return write_directory(w, dirfd, name, &e, err);
	if (S_ISREG(st.st_mode))
		return write_file(w, dirfd, name, &st, &e, err);
	return S_ISLNK(st.st_mode) ? write_symlink(w, dirfd, name, &e, err) : tar_write_entry(w->tar, &e, err);
}

static bool left_out(const struct tarball_writer *w)
{
	const char *const *path = w->tarball->leave_out;

	for (; path && *path; path++)
		if (!strcmp(w->path.data + strlen("./"), *path))
			return true;
	return false;
}

static int read_names(struct tarball_writer *w, int fd, struct strings *ret, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		error_errno(err, errno, "read directory %s", w->path.data);
		close_p(&copy);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			strings_add(ret, entry->d_name);
	if (errno)
		return error_errno(err, errno, "read directory %s", w->path.data);
	strings_sort(ret);
	return 0;
}

static int write_children(struct tarball_writer *w, int fd, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	size_t len = w->path.len;

	if (read_names(w, fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		text_addf(&w->path, "/%s", names.at[i]);
		if (!left_out(w) && write_entry(w, fd, names.at[i], err) < 0)
			return -1;
		w->path.len = len;
		w->path.data[len] = '\0';
	}
	return 0;
}

int tarball_write(const struct tarball *t, int fd, uint64_t *ret_members, struct error *err)
{
	CLEANUP(writer_done) struct tarball_writer w = { .tarball = t, .buffer = xmalloc(READ_CHUNK) };

	text_add(&w.path, ".");
	if (tar_write_fd(fd, t->compression, t->level, &w.tar, err) < 0 || write_entry(&w, t->rootfd, ".", err) < 0 ||
	    tar_write_end(w.tar, err) < 0)
		return -1;
	if (ret_members)
		*ret_members = w.members;
	return 0;
}

int tarball_unpack(int fd, const char *name, int rootfd, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(extract_done) struct extract x = { .rootfd = rootfd, .parentfd = -1 };
	const struct tar_entry *e;
	char path[TAR_PATH_MAX + 1];
	int rc;

	if (tar_read_fd(fd, name, &r, err) < 0)
		return -1;
	while ((rc = tar_read_next(r, &e, err)) > 0)
		if (extract_path(e->path, path, err) < 0 || extract_entry(&x, r, e, path, NULL, err) < 0)
			return error_wrap(err, "unpack %s", name);
	if (rc < 0)
		return -1;
	return extract_finish(&x, err);
}
