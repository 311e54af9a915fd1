/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/chunks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/chunks_format.h"
#include "lib/alloc.h"

struct chunks {
	uint8_t *bytes; /* owned; the mapped file */
	size_t size;
	struct chunks_file *file;   /* owned; sorted by inode */
	struct chunks_frame *frame; /* owned */
	char *paths;                /* owned */
	struct chunks_trailer n;
};

void chunks_close_p(struct chunks **chunks)
{
	struct chunks *c = TAKE(*chunks);

	if (!c)
		return;
	if (c->bytes)
		munmap(c->bytes, c->size);
	free(c->file);
	free(c->frame);
	free(c->paths);
	free(c);
}

static int compare_files(const void *a, const void *b)
{
	const struct chunks_file *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static int damaged(struct error *err)
{
	return error_set(err, ERROR_FAILED, "the file of compressed chunks has no valid index");
}

/* The start of the files; NULL when the trailer is not valid. The sizes are limited, so that the sum cannot
 * overflow. */
static const uint8_t *find_index(const struct chunks *c)
{
	uint64_t most = CHUNKS_INDEX_MAX, size = 0;

	if (c->n.magic != CHUNKS_MAGIC || c->n.files > most || c->n.frames > most || c->n.paths > most)
		return NULL;
	size = c->n.files * sizeof *c->file + c->n.frames * sizeof *c->frame + c->n.paths + sizeof c->n;
	return size <= c->size ? c->bytes + c->size - size : NULL;
}

static void *copy(const uint8_t **from, size_t size)
{
	void *to = xmalloc(size + 1);

	memcpy(to, *from, size);
	*from += size;
	return to;
}

/* True when no entry points outside the file: such an entry would be read beyond the end. */
static bool is_consistent(const struct chunks *c)
{
	if (c->n.files && (!c->n.paths || c->paths[c->n.paths - 1]))
		return false;
	for (uint64_t i = 0; i < c->n.files; i++) {
		const struct chunks_file *f = &c->file[i];
		if (f->path >= c->n.paths || f->frame > c->n.frames || f->size >> CHUNK_BITS > c->n.frames - f->frame)
			return false;
	}
	for (uint64_t i = 0; i < c->n.frames; i++)
		if (c->frame[i].len >= CHUNK || c->frame[i].at > c->size || c->frame[i].len > c->size - c->frame[i].at)
			return false;
	return true;
}

static int read_index(struct chunks *c, struct error *err)
{
	if (c->size < sizeof c->n)
		return damaged(err);
	memcpy(&c->n, c->bytes + c->size - sizeof c->n, sizeof c->n);
	const uint8_t *at = find_index(c);
	if (!at)
		return damaged(err);
	c->file = copy(&at, c->n.files * sizeof *c->file);
	c->frame = copy(&at, c->n.frames * sizeof *c->frame);
	c->paths = copy(&at, c->n.paths);
	if (!is_consistent(c))
		return damaged(err);
	qsort(c->file, c->n.files, sizeof *c->file, compare_files);
	return 0;
}

int chunks_open(int fd, struct chunks **ret, struct error *err)
{
	CLEANUP(chunks_close_p) struct chunks *c = xcalloc(1, sizeof *c);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at a file of compressed chunks");
	if (st.st_size <= 0)
		return damaged(err);
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return error_errno(err, errno, "map a file of compressed chunks");
	c->bytes = bytes;
	c->size = (size_t)st.st_size;
	if (read_index(c, err) < 0)
		return -1;
	*ret = TAKE(c);
	return 0;
}

int chunks_level(const struct chunks *c)
{
	return (int)c->n.level;
}

void chunks_locate(struct chunks *c, int rootfd)
{
	struct stat st;

	for (uint64_t i = 0; i < c->n.files; i++) {
		struct chunks_file *f = &c->file[i];
		f->inode = 0;
		if (fstatat(rootfd, c->paths + f->path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (uint64_t)st.st_size != f->size)
			continue;
		f->inode = st.st_ino;
		f->changed = st.st_ctim.tv_sec;
		f->changed_ns = st.st_ctim.tv_nsec;
	}
	qsort(c->file, c->n.files, sizeof *c->file, compare_files);
}

const struct chunks_file *chunks_find(const struct chunks *c, const struct stat *st)
{
	struct chunks_file key = { .inode = st->st_ino };

	if (!c || st->st_size < CHUNK)
		return NULL;
	const struct chunks_file *f = bsearch(&key, c->file, c->n.files, sizeof key, compare_files);
	if (!f || f->size != (uint64_t)st->st_size)
		return NULL;
	if (f->changed != st->st_ctim.tv_sec || f->changed_ns != st->st_ctim.tv_nsec)
		return NULL;
	return f;
}

bool chunks_get(const struct chunks *c, const struct chunks_file *file, uint64_t n, struct chunks_piece *ret)
{
	if (!file || n >= file->size >> CHUNK_BITS)
		return false;
	const struct chunks_frame *frame = &c->frame[file->frame + n];
	if (!frame->len)
		return false;
	*ret = (struct chunks_piece){ c->bytes + frame->at, (uint32_t)frame->len };
	return true;
}
