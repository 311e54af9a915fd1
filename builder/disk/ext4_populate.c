/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/ext4_populate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/archive/kept_xattr.h"
#include "builder/disk/ext4_dir.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/text.h"
#include "lib/vec.h"

#define DEPTH_MAX 128 /* nested directories; each level holds a descriptor open */
#define COPY_BYTES (256u << 10)
#define XATTR_MAX (64u << 10) /* the kernel's own limit for a value and for a list of names */

struct ext4_filler {
	struct ext4 *fs;
	int out_fd; /* borrowed */
	int64_t epoch;
	const struct chunks_map *map; /* borrowed; may be NULL */
	void *links;                  /* tsearch tree of struct ext4_link: files with more than one name */
	struct text path;             /* of the current entry, for messages */
	uint8_t buffer[COPY_BYTES];
};

struct ext4_link {
	dev_t device; /* on some overlays a file has its layer's st_dev */
	ino_t source;
	uint32_t number;
};

static int compare_links(const void *a, const void *b)
{
	const struct ext4_link *x = a, *y = b;

	if (x->device != y->device)
		return x->device > y->device ? 1 : -1;
	return (x->source > y->source) - (x->source < y->source);
}

static int fail_here(struct error *err, const char *what)
{
	return error_errno(err, errno, "%s", what);
}

/* The parts of a file that are not holes, in blocks. */
typedef VEC(struct ext4_span) span_list;

static int spans_of(int fd, const struct stat *st, span_list *ret)
{
	uint64_t blocks = ((uint64_t)st->st_size + EXT4_BLOCK - 1) / EXT4_BLOCK;
	off_t start, end = 0;
	int rc;

	if (!file_is_sparse(st)) {
		if (blocks)
			vec_push(ret, (struct ext4_span){ 0, blocks });
		return 0;
	}
	while ((rc = file_next_data(fd, end, &start, &end)) > 0)
		vec_push(ret, (struct ext4_span){ (uint64_t)start / EXT4_BLOCK,
						  ((uint64_t)(end - start) + EXT4_BLOCK - 1) / EXT4_BLOCK });
	return rc;
}
_Static_assert(EXT4_BLOCK == FILE_BLOCK, "holes are in blocks of the file system");

struct ext4_copy {
	struct ext4_filler *f;
	int fd;
	uint64_t size;
	const struct chunks_file *packed;
};

/* A whole chunk that is already compressed is noted in the map instead of copied. */
static bool note_chunk(const struct ext4_copy *c, uint64_t from, uint64_t offset, uint64_t len)
{
	return c->packed && !(from % CHUNK) && !(offset % CHUNK) && len >= CHUNK &&
	       chunks_get(c->f->map->chunks, c->packed, from >> CHUNK_BITS, &c->f->map->cluster[offset >> CHUNK_BITS]);
}

static int copy_part(const struct ext4_copy *c, uint64_t from, uint64_t offset, size_t len, struct error *err)
{
	if (pread_all(c->fd, c->f->buffer, len, (off_t)from) < 0)
		return fail_here(err, "read");
	if (pwrite_all(c->f->out_fd, c->f->buffer, len, (off_t)offset) < 0)
		return fail_here(err, "write to the disk");
	return 0;
}

static int copy_data(void *context, uint64_t from, uint64_t offset, uint64_t len, struct error *err)
{
	struct ext4_copy *c = context;

	if (len > c->size - from)
		len = c->size - from;
	while (len) {
		uint64_t most = c->packed ? CHUNK - from % CHUNK : COPY_BYTES;
		size_t part = (size_t)(len < most ? len : most);
		if (!note_chunk(c, from, offset, len) && copy_part(c, from, offset, part, err) < 0)
			return -1;
		from += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static int put_file(struct ext4_filler *f, int dirfd, const char *name, const struct stat *st, struct ext4_inode *inode,
		    struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct ext4_copy copy = { f, fd, inode->size, f->map ? chunks_find(f->map->chunks, st) : NULL };
	span_list spans = { 0 };
	int rc;

	if (fd < 0)
		return fail_here(err, "open");
	rc = spans_of(fd, st, &spans);
	inode->span = spans.at;
	inode->spans = spans.n;
	inode->chunks = inode->size >= CHUNK;
	rc = rc < 0 ? fail_here(err, "read") : ext4_put(f->fs, inode, copy_data, &copy, err);
	vec_done(&spans);
	return rc;
}

static int copy_link(void *context, uint64_t from, uint64_t offset, uint64_t len, struct error *err)
{
	const struct ext4_copy *c = context;
	const char *target = (const char *)c->f->buffer;

	if (len > c->size - from)
		len = c->size - from;
	if (pwrite_all(c->f->out_fd, target + from, len, (off_t)offset) < 0)
		return fail_here(err, "write to the disk");
	return 0;
}

/* Targets shorter than FAST_LINK bytes are stored in the inode, longer ones in a block. */
#define FAST_LINK 60u

static int put_link(struct ext4_filler *f, int dirfd, const char *name, struct ext4_inode *inode, struct error *err)
{
	struct ext4_copy copy = { .f = f };
	const struct ext4_span span = { 0, 1 };
	ssize_t len = readlinkat(dirfd, name, (char *)f->buffer, EXT4_BLOCK - 1);

	if (len < 0)
		return fail_here(err, "readlink");
	copy.size = inode->size = (uint64_t)len;
	inode->link = (const char *)f->buffer;
	if (inode->size >= FAST_LINK) {
		inode->span = &span;
		inode->spans = 1;
	}
	return ext4_put(f->fs, inode, copy_link, &copy, err);
}

/* trusted.overlay.opaque makes a layer of a preloaded image hide what is below it; overlayfs does not expose its own attributes, so those of the
 * tree's overlay do not appear here. */
static bool xattr_wanted(const char *name)
{
	return kept_xattr(name) || text_same(name, "trusted.overlay.opaque");
}

static int put_xattrs(struct ext4_filler *f, int dirfd, const char *name, uint32_t number, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d/%s", dirfd, name);
	CLEANUP(strings_done) struct strings names = { 0 };
	char *list = (char *)f->buffer, *value = list + XATTR_MAX;
	ssize_t len = llistxattr(path, list, XATTR_MAX);

	if (len < 0 && errno == ENOTSUP)
		return 0;
	if (len < 0)
		return fail_here(err, "list its extended attributes");
	for (const char *x = list; x < list + len; x += strlen(x) + 1) {
		if (xattr_wanted(x))
			strings_add(&names, x);
	}
	strings_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		len = lgetxattr(path, names.at[i], value, XATTR_MAX);
		if (len < 0)
			return fail_here(err, names.at[i]);
		if (ext4_put_xattr(f->fs, number, names.at[i], value, (size_t)len, err) < 0)
			return -1;
	}
	return 0;
}
_Static_assert(COPY_BYTES >= 2 * XATTR_MAX, "the buffer holds a list and a value");

static struct ext4_inode inode_of(const struct ext4_filler *f, const struct stat *st, uint32_t number)
{
	return (struct ext4_inode){
		.number = number,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.links = 1,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtime < f->epoch ? st->st_mtime : f->epoch,
		.device = st->st_rdev,
	};
}

/* True when another name of the same file was put already; otherwise *ret is a new entry without a number. */
static int known_link(struct ext4_filler *f, const struct stat *st, struct ext4_link **ret)
{
	struct ext4_link *link = xmalloc(sizeof *link);
	struct ext4_link **found;

	*link = (struct ext4_link){ .device = st->st_dev, .source = st->st_ino };
	found = tsearch(link, &f->links, compare_links);
	if (*found != link)
		free(link);
	*ret = *found;
	return (*ret)->number != 0;
}

static int put_other(struct ext4_filler *f, int dirfd, const char *name, const struct stat *st, uint32_t parent,
		     uint32_t *ret_number, struct error *err)
{
	struct ext4_link *link = NULL;
	struct ext4_inode inode;
	int rc;

	if (st->st_nlink > 1 && known_link(f, st, &link)) {
		*ret_number = link->number;
		return ext4_link(f->fs, link->number, err);
	}
	if (ext4_new(f->fs, parent, st->st_mode, ret_number, err) < 0)
		return -1;
	if (link)
		link->number = *ret_number;
	inode = inode_of(f, st, *ret_number);
	if (S_ISREG(st->st_mode))
		rc = put_file(f, dirfd, name, st, &inode, err);
	else if (S_ISLNK(st->st_mode))
		rc = put_link(f, dirfd, name, &inode, err);
	else
		rc = ext4_put(f->fs, &inode, NULL, NULL, err);
	if (rc < 0)
		return -1;
	return put_xattrs(f, dirfd, name, *ret_number, err);
}

static int read_names(int dirfd, struct strings *ret, struct error *err)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return fail_here(err, "open directory");
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (!text_same(entry->d_name, ".") && !text_same(entry->d_name, ".."))
			strings_add(ret, entry->d_name);
	}
	if (errno)
		return fail_here(err, "read directory");
	strings_sort(ret);
	return 0;
}

static int put_directory(struct ext4_filler *f, int dirfd, const char *name, uint32_t parent, uint32_t number,
			 unsigned depth, struct error *err);

static int put_entry(struct ext4_filler *f, int dirfd, const char *name, uint32_t parent, struct ext4_dir *dir,
		     unsigned depth, struct error *err)
{
	uint32_t number;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_here(err, "stat");
	if (S_ISDIR(st.st_mode)) {
		if (ext4_new(f->fs, parent, st.st_mode, &number, err) < 0 ||
		    put_directory(f, dirfd, name, parent, number, depth + 1, err) < 0)
			return -1;
	} else if (put_other(f, dirfd, name, &st, parent, &number, err) < 0) {
		return -1;
	}
	ext4_dir_add(dir, name, number, st.st_mode);
	return 0;
}

/* The directory's blocks list its entries, so they are written last; on failure f->path keeps the path of the failing
 * entry. */
static int put_entries(struct ext4_filler *f, int fd, uint32_t number, struct ext4_dir *dir, unsigned depth,
		       struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	size_t here = f->path.len;

	if (read_names(fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (number == EXT4_ROOT && text_same(names.at[i], "lost+found"))
			continue;
		text_addf(&f->path, "/%s", names.at[i]);
		if (put_entry(f, fd, names.at[i], number, dir, depth, err) < 0)
			return -1;
		f->path.len = here;
		f->path.data[here] = '\0';
	}
	return 0;
}

static int put_directory(struct ext4_filler *f, int dirfd, const char *name, uint32_t parent, uint32_t number,
			 unsigned depth, struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(ext4_dir_done) struct ext4_dir dir = { 0 };
	struct ext4_inode inode;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_here(err, "open directory");
	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_FAILED, "directories are nested more than %d deep", DEPTH_MAX);
	ext4_dir_start(&dir, number, parent);
	if (number == EXT4_ROOT && ext4_root_entry(f->fs, "lost+found"))
		ext4_dir_add(&dir, "lost+found", ext4_root_entry(f->fs, "lost+found"), S_IFDIR);
	/* A mount of the builder in the tree (preloaded images) is a part of the tree. */
	if (put_entries(f, fd, number, &dir, depth, err) < 0)
		return -1;
	ext4_dir_end(&dir);
	inode = inode_of(f, &st, number);
	inode.links = 2 + dir.subdirs;
	if (ext4_put_directory(f->fs, &inode, &dir.blocks, err) < 0)
		return -1;
	return put_xattrs(f, fd, ".", number, err);
}

int ext4_populate(struct ext4 *fs, const struct ext4_make *make, const char *root, struct error *err)
{
	CLEANUP(free_p) struct ext4_filler *f = xcalloc(1, sizeof *f);
	int rc;

	f->fs = fs;
	f->out_fd = make->fd;
	f->epoch = make->epoch;
	f->map = make->map;
	rc = put_directory(f, AT_FDCWD, root, EXT4_ROOT, EXT4_ROOT, 0, err);
	tdestroy(f->links, free);
	if (rc < 0)
		error_wrap(err, "put %s on the disk", f->path.len ? f->path.data : "/");
	text_done(&f->path);
	return rc;
}
