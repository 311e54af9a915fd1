/* SPDX-License-Identifier: Apache-2.0 */
/* Threads take pieces of files, of a megabyte each, in any order: the positions of the frames in the file do
 * not matter, only their content. */
#include <errno.h>
#include <fts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/archive/chunks.h"
#include "builder/archive/codec.h"
#include "builder/job/workers.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define PIECE_CHUNKS 16u
/* ctime advances in ticks of the kernel's clock: a file that has just been changed may change again without a
 * new ctime. */
#define SETTLED_NS 50000000L

struct piece {
	size_t file;    /* in the index */
	uint64_t chunk; /* the first of at most PIECE_CHUNKS */
};

struct maker {
	int rootfd, fd;
	struct timespec settled;
	struct chunks_index index;
	VEC(struct piece) pieces;
	atomic_size_t next;
	atomic_ullong end; /* of what is written */
	pthread_mutex_t lock;
	struct error error; /* under lock */
	atomic_bool failed;
};

static bool is_settled(const struct maker *m, const struct stat *st)
{
	return st->st_ctim.tv_sec < m->settled.tv_sec ||
	       (st->st_ctim.tv_sec == m->settled.tv_sec && st->st_ctim.tv_nsec < m->settled.tv_nsec);
}

static void add_file(struct maker *m, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || st->st_size < CHUNK || !is_settled(m, st))
		return;
	size_t file = m->index.files.n;
	chunks_index_add(&m->index, path, st);
	for (uint64_t chunk = 0; chunk < (uint64_t)st->st_size >> CHUNK_BITS; chunk += PIECE_CHUNKS)
		vec_push(&m->pieces, ((struct piece){ file, chunk }));
}

static int find_files(struct maker *m, const char *root, struct error *err)
{
	char *roots[] = { (char *)root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *e;

	if (!fts)
		return error_errno(err, errno, "list the files of %s", root);
	/* Files that are removed meanwhile are no error. */
	while ((e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			add_file(m, e->fts_path + strlen(root) + 1, e->fts_statp);
	fts_close(fts);
	return 0;
}

static void give_up(struct maker *m, const struct error *err)
{
	pthread_mutex_lock(&m->lock);
	m->error = *err;
	pthread_mutex_unlock(&m->lock);
	atomic_store(&m->failed, true);
}

/* Opens the file that was found; -1 when it is another one now. */
static int open_same(const struct maker *m, const struct chunks_file *file)
{
	int fd = openat(m->rootfd, m->index.paths.data + file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == file->inode && (uint64_t)st.st_size == file->size)
		return fd;
	close_p(&fd);
	return -1;
}

/* Compresses a piece into out, one frame after the other; frame[] gets offsets in out and lengths. */
static size_t pack_piece(const struct maker *m, const struct piece *p, struct codec *codec, uint8_t *out,
			 struct chunks_frame *frame)
{
	const struct chunks_file *file = &m->index.files.at[p->file];
	CLEANUP(close_p) int fd = open_same(m, file);
	uint8_t chunk[CHUNK];
	size_t len = 0;

	for (unsigned i = 0; fd >= 0 && i < PIECE_CHUNKS && p->chunk + i < file->size >> CHUNK_BITS; i++) {
		if (pread_all(fd, chunk, CHUNK, (off_t)((p->chunk + i) << CHUNK_BITS)) < 0)
			break;
		if (codec_all_zero(chunk, CHUNK))
			continue;
		frame[i] = (struct chunks_frame){ len, codec_pack(codec, chunk, CHUNK, out + len, CHUNK - 1) };
		len += frame[i].len;
	}
	return len;
}

static int make_piece(struct maker *m, const struct piece *p, struct codec *codec, uint8_t *out, struct error *err)
{
	struct chunks_frame *frame = &m->index.frames.at[m->index.files.at[p->file].frame + p->chunk];
	struct chunks_frame packed[PIECE_CHUNKS] = { 0 };
	size_t len = pack_piece(m, p, codec, out, packed);
	uint64_t at = atomic_fetch_add(&m->end, len);

	if (pwrite_all(m->fd, out, len, (off_t)at) < 0)
		return error_errno(err, errno, "write compressed chunks");
	for (unsigned i = 0; i < PIECE_CHUNKS; i++)
		if (packed[i].len)
			frame[i] = (struct chunks_frame){ at + packed[i].at, packed[i].len };
	return 0;
}

static void make_main(void *maker)
{
	struct maker *m = maker;
	CLEANUP(codec_free_p) struct codec *codec = codec_new(COMPRESSION_ZSTD, m->index.level);
	CLEANUP(free_p) uint8_t *out = xmalloc((size_t)PIECE_CHUNKS * CHUNK);
	struct error err = { 0 };

	while (!atomic_load(&m->failed)) {
		size_t i = atomic_fetch_add(&m->next, 1);
		if (i >= m->pieces.n)
			break;
		if (make_piece(m, &m->pieces.at[i], codec, out, &err) < 0)
			give_up(m, &err);
	}
}

static void maker_done(struct maker *m)
{
	vec_done(&m->pieces);
	chunks_index_done(&m->index);
	close_p(&m->rootfd);
	pthread_mutex_destroy(&m->lock);
}

int chunks_make(const char *root, int level, int fd, struct error *err)
{
	CLEANUP(maker_done)
	struct maker m = { .fd = fd, .index.level = level, .lock = PTHREAD_MUTEX_INITIALIZER };

	m.rootfd = dir_open(AT_FDCWD, root, err);
	clock_gettime(CLOCK_REALTIME_COARSE, &m.settled);
	m.settled.tv_nsec -= SETTLED_NS;
	if (m.settled.tv_nsec < 0) {
		m.settled.tv_nsec += 1000000000L;
		m.settled.tv_sec--;
	}
	if (m.rootfd < 0 || find_files(&m, root, err) < 0)
		return -1;
	workers_run(workers_size(0), make_main, &m);
	if (atomic_load(&m.failed)) {
		*err = m.error;
		return -1;
	}
	return chunks_index_write(&m.index, fd, err);
}
