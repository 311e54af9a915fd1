/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/archive/frames.h"
#include "builder/archive/kept_xattr.h"
#include "builder/archive/tar_limits.h"
#include "builder/archive/tar_utf8.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define READ_BLOCK (1 << 20)
#define WRITE_BLOCK (1 << 20)
#define TAR_END 1024 /* the zero bytes that end an archive */

struct tar_reader {
	struct archive *archive; /* owned */
	char *name;              /* owned */
	struct tar_entry entry;
	struct tar_xattr xattr[TAR_XATTR_MAX];
	struct tar_limits limits;
};

struct tar_writer {
	struct archive *archive;     /* owned */
	struct archive_entry *entry; /* owned; reused for every member */
	struct frames *frames;       /* owned; compresses what archive writes; NULL = archive compresses */
	char tail[TAR_END];          /* with frames: the last bytes of archive, held back since they may be its end */
	size_t tail_n;
	int fd;       /* borrowed */
	bool skip;    /* a frame has been or will be written in place of what archive writes now */
	bool discard; /* nothing more may be written: writing failed or is being abandoned */
};

/* RFC 8878: magic; one segment, its size in two bytes; size - 256; the last block, run-length, 1024 times; a zero. */
const unsigned char tar_zstd_end[TAR_END_SIZE] = { 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x03, 0x03, 0x20, 0x00, 0x00 };

static int read_error(struct tar_reader *r, struct error *err)
{
	const char *why = archive_error_string(r->archive);

	if (archive_errno(r->archive) == ENOMEM)
		return error_errno(err, ENOMEM, "read %s", r->name);
	return error_set(err, ERROR_FAILED, "read %s: the archive is damaged: %s", r->name,
			 why ? why : "unknown reason");
}

static struct tar_reader *reader_new(const char *name, int (*support_format)(struct archive *))
{
	struct tar_reader *r = xcalloc(1, sizeof *r);
	struct archive *a = archive_read_new();

	if (!a)
		abort();
	support_format(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	*r = (struct tar_reader){ .archive = a, .name = xstrdup(name) };
	return r;
}

static int read_memory(const void *bytes, size_t n, const char *name, int (*support_format)(struct archive *),
		       struct tar_reader **ret, struct error *err)
{
	UTF8_SCOPE;
	CLEANUP(tar_reader_free_p) struct tar_reader *r = reader_new(name, support_format);

	if (archive_read_open_memory(r->archive, bytes, n) != ARCHIVE_OK)
		return read_error(r, err);
	*ret = TAKE(r);
	return 0;
}

int tar_read_memory(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err)
{
	return read_memory(bytes, n, name, archive_read_support_format_tar, ret, err);
}

int tar_read_zip(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err)
{
	return read_memory(bytes, n, name, archive_read_support_format_zip_seekable, ret, err);
}

int tar_read_fd(int fd, const char *name, struct tar_reader **ret, struct error *err)
{
	UTF8_SCOPE;
	CLEANUP(tar_reader_free_p) struct tar_reader *r = reader_new(name, archive_read_support_format_tar);

	if (archive_read_open_fd(r->archive, fd, READ_BLOCK) != ARCHIVE_OK)
		return read_error(r, err);
	*ret = TAKE(r);
	return 0;
}

int tar_read_unpacked(const void *bytes, size_t n, const char *name, struct tar_reader **ret, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	struct archive_entry *whole;

	if (read_memory(bytes, n, name, archive_read_support_format_raw, &r, err) < 0)
		return -1;
	if (archive_read_next_header(r->archive, &whole) != ARCHIVE_OK)
		return read_error(r, err);
	*ret = TAKE(r);
	return 0;
}

static int read_xattrs(struct tar_reader *r, struct archive_entry *e, struct error *err)
{
	size_t n = 0;

	archive_entry_xattr_reset(e);
	for (;;) {
		struct tar_xattr x;
		if (archive_entry_xattr_next(e, &x.name, &x.value, &x.size) != ARCHIVE_OK)
			break;
		if (n == TAR_XATTR_MAX)
			return error_set(err, ERROR_FAILED,
					 "read %s: %s has more than the limit of %d extended attributes", r->name,
					 r->entry.path, TAR_XATTR_MAX);
		r->xattr[n++] = x;
	}
	r->entry.xattr = r->xattr;
	r->entry.xattrs = n;
	return 0;
}

int tar_read_next(struct tar_reader *r, const struct tar_entry **ret, struct error *err)
{
	UTF8_SCOPE;
	struct archive_entry *e;
	int rc = archive_read_next_header(r->archive, &e);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return read_error(r, err);
	const char *original = archive_entry_hardlink(e);
	int64_t size = original ? 0 : archive_entry_size(e);
	r->entry = (struct tar_entry){
		.path = archive_entry_pathname(e),
		.original = original,
		.mode = original ? S_IFREG | archive_entry_perm(e) : archive_entry_mode(e),
		.uid = (uint32_t)archive_entry_uid(e),
		.gid = (uint32_t)archive_entry_gid(e),
		.device = archive_entry_rdev(e),
		.size = size > 0 ? (uint64_t)size : 0,
		.mtime = archive_entry_mtime(e),
	};
	if (S_ISLNK(r->entry.mode))
		r->entry.target = archive_entry_symlink(e);
	if (tar_limits_check(&r->limits, r->name, &r->entry, err) < 0 || read_xattrs(r, e, err) < 0)
		return -1;
	*ret = &r->entry;
	return 1;
}

int tar_read_data(struct tar_reader *r, const void **ret_block, size_t *ret_n, off_t *ret_offset, struct error *err)
{
	la_int64_t offset;
	int rc = archive_read_data_block(r->archive, ret_block, ret_n, &offset);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return read_error(r, err);
	*ret_offset = offset;
	return 1;
}

void tar_reader_free_p(struct tar_reader **r)
{
	if (!*r)
		return;
	/* After a fatal error archive_read_free() alone would leak the buffers of the input. */
	archive_read_close((*r)->archive);
	archive_read_free((*r)->archive);
	free((*r)->name);
	free(*r);
}

static int write_error(struct tar_writer *w, const char *what, struct error *err)
{
	int errnum = archive_errno(w->archive);
	const char *why = archive_error_string(w->archive);

	if (errnum == ENOSPC || errnum == EDQUOT)
		return error_errno(err, errnum, "write the archive (%s)", what);
	return error_set(err, ERROR_FAILED, "write the archive (%s): %s", what, why ? why : "unknown reason");
}

static int set_compression(struct archive *a, enum compression compression, int level)
{
	char text[24];

	if (compression != COMPRESSION_ZLIB)
		return archive_write_add_filter_none(a);
	if (archive_write_add_filter_gzip(a) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	snprintf(text, sizeof text, "%d", level);
	return level ? archive_write_set_filter_option(a, NULL, "compression-level", text) : ARCHIVE_OK;
}

static la_ssize_t write_block(struct archive *a, void *writer, const void *bytes, size_t n)
{
	const struct tar_writer *w = writer;

	if (w->discard || write_all(w->fd, bytes, n) == 0)
		return (la_ssize_t)n;
	archive_set_error(a, errno, "%s", strerror(errno));
	return -1;
}

static int compress(struct archive *a, struct tar_writer *w, const void *bytes, size_t n)
{
	if (n == 0 || w->discard || frames_add(w->frames, bytes, n) == 0)
		return 0;
	archive_set_error(a, errno, "%s", strerror(errno));
	return -1;
}

/* Passes on everything except the last TAR_END bytes. */
static la_ssize_t hold_back(struct archive *a, void *writer, const void *bytes, size_t n)
{
	struct tar_writer *w = writer;
	size_t kept = n < TAR_END ? n : TAR_END;                                   /* of the new bytes */
	size_t over = w->tail_n + kept > TAR_END ? w->tail_n + kept - TAR_END : 0; /* of the old tail */

	if (w->skip)
		return (la_ssize_t)n;
	if (compress(a, w, w->tail, over) < 0 || compress(a, w, bytes, n - kept) < 0)
		return -1;
	memmove(w->tail, w->tail + over, w->tail_n - over);
	memcpy(w->tail + w->tail_n - over, (const char *)bytes + n - kept, kept);
	w->tail_n += kept - over;
	return (la_ssize_t)n;
}

/* With frames, libarchive must not buffer its output, so that each frame is written at the right place in it. */
static int open_archive(struct tar_writer *w, enum compression compression, int level)
{
	/* Restricted pax: extended headers only for what a ustar header cannot hold. */
	if (archive_write_set_format_pax_restricted(w->archive) != ARCHIVE_OK ||
	    archive_write_set_format_option(w->archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
	    set_compression(w->archive, compression, level) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(w->archive, w->frames ? 0 : WRITE_BLOCK) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(w->archive, 1) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_write_open2(w->archive, w, NULL, w->frames ? hold_back : write_block, NULL, NULL);
}

int tar_write_fd(int fd, enum compression compression, int level, struct tar_writer **ret, struct error *err)
{
	UTF8_SCOPE;
	CLEANUP(tar_writer_free_p) struct tar_writer *w = xcalloc(1, sizeof *w);

	w->archive = archive_write_new();
	w->entry = archive_entry_new();
	w->fd = fd;
	if (!w->archive || !w->entry)
		abort();
	if (compression == COMPRESSION_ZSTD)
		w->frames = frames_new(fd, level);
	if (open_archive(w, compression, level) != ARCHIVE_OK)
		return write_error(w, "begin", err);
	*ret = TAKE(w);
	return 0;
}

/* As text, too, which GNU tar reads (--acls): the attribute alone is not enough for it. */
static void set_acl(struct archive_entry *e, const struct tar_xattr *x)
{
	static const int tags[] = { ARCHIVE_ENTRY_ACL_USER_OBJ, ARCHIVE_ENTRY_ACL_USER, ARCHIVE_ENTRY_ACL_GROUP_OBJ,
				    ARCHIVE_ENTRY_ACL_GROUP,    ARCHIVE_ENTRY_ACL_MASK, ARCHIVE_ENTRY_ACL_OTHER };
	int type = strcmp(x->name, KEPT_XATTR_ACL) ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT : ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
	struct kept_acl acl;

	for (size_t n = 0; kept_acl_entry(x->value, x->size, n, &acl); n++)
		archive_entry_acl_add_entry(e, type, acl.permissions, tags[acl.tag], (int)acl.id, NULL);
}

int tar_write_entry(struct tar_writer *w, const struct tar_entry *entry, struct error *err)
{
	UTF8_SCOPE;
	struct archive_entry *e = archive_entry_clear(w->entry);

	archive_entry_set_pathname(e, entry->path);
	archive_entry_set_mode(e, entry->mode);
	archive_entry_set_uid(e, entry->uid);
	archive_entry_set_gid(e, entry->gid);
	archive_entry_set_mtime(e, entry->mtime, 0);
	archive_entry_set_size(e, S_ISREG(entry->mode) && !entry->original ? (int64_t)entry->size : 0);
	if (entry->original)
		archive_entry_set_hardlink(e, entry->original);
	else if (entry->target)
		archive_entry_set_symlink(e, entry->target);
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
		archive_entry_set_rdev(e, entry->device);
	for (size_t i = 0; i < entry->xattrs; i++) {
		archive_entry_xattr_add_entry(e, entry->xattr[i].name, entry->xattr[i].value, entry->xattr[i].size);
		if (text_starts(entry->xattr[i].name, KEPT_XATTR_ACLS))
			set_acl(e, &entry->xattr[i]);
	}
	for (size_t i = 0; entry->data && i < entry->data->part.n; i++)
		archive_entry_sparse_add_entry(e, entry->data->part.at[i].start, entry->data->part.at[i].size);
	/* ARCHIVE_WARN: a name is not UTF-8, and its bytes were written as they are. */
	int rc = archive_write_header(w->archive, e);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return write_error(w, entry->path, err);
	return 0;
}

int tar_write_data(struct tar_writer *w, const void *data, size_t n, struct error *err)
{
	const char *p = data;

	while (n > 0) {
		la_ssize_t done = archive_write_data(w->archive, p, n);
		if (done <= 0)
			return write_error(w, "content", err);
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Passes on everything before the chunk; libarchive only counts the chunk itself. */
static int pass_chunk(struct tar_writer *w, struct error *err)
{
	static const char raw[CHUNK];

	if (compress(w->archive, w, w->tail, w->tail_n) < 0)
		return write_error(w, "content", err);
	w->tail_n = 0;
	w->skip = true;
	int rc = tar_write_data(w, raw, CHUNK, err);
	w->skip = false;
	return rc;
}

int tar_write_frame(struct tar_writer *w, const struct chunks_piece *frame, struct chunks_frame *ret_frame,
		    struct error *err)
{
	if (pass_chunk(w, err) < 0)
		return -1;
	return frames_put(w->frames, frame, ret_frame) < 0 ? error_errno(err, errno, "write the archive") : 0;
}

int tar_write_chunk(struct tar_writer *w, const void *data, struct chunks_frame *ret_frame, struct error *err)
{
	if (pass_chunk(w, err) < 0)
		return -1;
	return frames_put_raw(w->frames, data, ret_frame) < 0 ? error_errno(err, errno, "write the archive") : 0;
}

int tar_write_end(struct tar_writer *w, struct error *err)
{
	static const char end[TAR_END];

	if (archive_write_close(w->archive) != ARCHIVE_OK)
		return write_error(w, "end", err);
	if (!w->frames)
		return 0;
	if (w->tail_n != TAR_END || memcmp(w->tail, end, TAR_END))
		return error_set(err, ERROR_FAILED, "write the archive: it does not end with zero bytes");
	if (frames_flush(w->frames) < 0 || write_all(w->fd, tar_zstd_end, sizeof tar_zstd_end) < 0)
		return error_errno(err, errno, "write the archive (end)");
	return 0;
}

void tar_writer_free_p(struct tar_writer **w)
{
	if (!*w)
		return;
	/* libarchive frees its buffers only when the archive is closed; but the end of an archive must not be
	 * written after a failure, which would make it look complete. */
	(*w)->discard = true;
	archive_write_close((*w)->archive);
	archive_write_free((*w)->archive);
	archive_entry_free((*w)->entry);
	frames_free_p(&(*w)->frames);
	free(*w);
}
