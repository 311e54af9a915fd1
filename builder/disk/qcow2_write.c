/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads claim batches of clusters in guest order, compress them, and submit them. The thread that submits the first
 * missing batch places and writes all finished ones in guest order, so the file depends only on the disk's bytes, not
 * on the speed of the threads.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/codec.h"
#include "builder/disk/qcow2.h"
#include "builder/disk/qcow2_format.h"
#include "builder/disk/qcow2_layout.h"
#include "builder/job/workers.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define BATCH_CLUSTERS 16u    /* 1 MiB: enough to make locking cheap, little enough to share the work evenly */
#define BATCHES_PER_THREAD 4u /* how far a fast thread may be ahead of a slow one */

_Static_assert(QCOW2_CLUSTER == CHUNK, "a chunk is a cluster");

struct qcow2_batch {
	uint64_t first; /* guest cluster */
	unsigned clusters;
	uint32_t length[BATCH_CLUSTERS]; /* stored bytes: 0 = all zeros, QCOW2_CLUSTER = plain */
	uint8_t *data;                   /* owned; the stored bytes, one cluster after the other */
	bool busy, ready;
};

struct qcow2_writer {
	int raw_fd, out_fd;
	const struct qcow2_options *options;
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t freed;
	struct qcow2_layout layout;
	uint64_t next;             /* the first guest cluster that no thread has claimed yet */
	uint64_t claimed, written; /* batches; batch i is batch[i % batches] */
	struct qcow2_batch *batch; /* owned */
	unsigned batches;
	bool draining; /* a thread is writing */
	bool failed;
	struct error error;
};

static void writer_fail(struct qcow2_writer *w, const struct error *err)
{
	pthread_mutex_lock(&w->lock);
	if (!w->failed)
		w->error = *err;
	w->failed = true;
	pthread_cond_broadcast(&w->freed);
	pthread_mutex_unlock(&w->lock);
}

static const struct chunks_piece *mapped(const struct qcow2_writer *w, uint64_t cluster)
{
	const struct chunks_map *map = w->options->map;

	return map && map->cluster[cluster].len ? &map->cluster[cluster] : NULL;
}

/* The first cluster at or after `next` that has data, or the number of clusters. */
static uint64_t data_from(const struct qcow2_writer *w, uint64_t next)
{
	off_t at = lseek(w->raw_fd, (off_t)(next * QCOW2_CLUSTER), SEEK_DATA);
	uint64_t data = at >= 0 ? (uint64_t)at / QCOW2_CLUSTER : w->layout.clusters;

	/* ENXIO: nothing but a hole up to the end. Anything else: a file system without holes. */
	if (at < 0 && errno != ENXIO)
		return next;
	while (next < data && !mapped(w, next))
		next++;
	return next;
}

/* NULL when there is nothing left to do. */
static struct qcow2_batch *batch_claim(struct qcow2_writer *w)
{
	struct qcow2_batch *batch = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->failed && w->batch[w->claimed % w->batches].busy)
		pthread_cond_wait(&w->freed, &w->lock);
	w->next = data_from(w, w->next);
	if (!w->failed && w->next < w->layout.clusters) {
		batch = &w->batch[w->claimed++ % w->batches];
		batch->first = w->next;
		batch->clusters = BATCH_CLUSTERS;
		if (batch->clusters > w->layout.clusters - w->next)
			batch->clusters = (unsigned)(w->layout.clusters - w->next);
		batch->busy = true;
		batch->ready = false;
		w->next += batch->clusters;
	}
	pthread_mutex_unlock(&w->lock);
	return batch;
}

/* Reads one guest cluster; a partial last cluster is padded with zeros. */
static int cluster_read(const struct qcow2_writer *w, uint64_t cluster, uint8_t *buffer)
{
	uint64_t at = cluster * QCOW2_CLUSTER;
	size_t len = w->layout.size - at < QCOW2_CLUSTER ? (size_t)(w->layout.size - at) : QCOW2_CLUSTER;

	memset(buffer + len, 0, QCOW2_CLUSTER - len);
	return pread_all(w->raw_fd, buffer, len, (off_t)at);
}

/* Packs one guest cluster into out and returns its stored length as in batch->length. */
static uint32_t cluster_pack(struct codec *codec, const uint8_t cluster[QCOW2_CLUSTER], uint8_t *out)
{
	if (codec_all_zero(cluster, QCOW2_CLUSTER))
		return 0;
	size_t len = codec_pack(codec, cluster, QCOW2_CLUSTER, out, QCOW2_CLUSTER - 1);
	if (!len)
		memcpy(out, cluster, QCOW2_CLUSTER);
	return len ? (uint32_t)len : QCOW2_CLUSTER;
}

static int batch_pack(const struct qcow2_writer *w, struct codec *codec, struct qcow2_batch *batch, struct error *err)
{
	uint8_t buffer[QCOW2_CLUSTER], *out = batch->data;

	for (unsigned i = 0; i < batch->clusters; i++) {
		const struct chunks_piece *piece = mapped(w, batch->first + i);
		if (!piece && cluster_read(w, batch->first + i, buffer) < 0)
			return error_errno(err, errno, "read the raw disk at cluster %llu",
					   (unsigned long long)batch->first + i);
		if (piece)
			memcpy(out, piece->bytes, piece->len);
		batch->length[i] = piece ? piece->len : cluster_pack(codec, buffer, out);
		out += batch->length[i];
	}
	return 0;
}

static void batch_place(struct qcow2_writer *w, const struct qcow2_batch *batch, uint64_t place[BATCH_CLUSTERS])
{
	for (unsigned i = 0; i < batch->clusters; i++) {
		if (batch->length[i] == QCOW2_CLUSTER)
			place[i] = qcow2_layout_plain(&w->layout, batch->first + i);
		else if (batch->length[i])
			place[i] = qcow2_layout_packed(&w->layout, batch->first + i, batch->length[i]);
	}
}

/* Adjacent clusters go out in one write. */
static int batch_write(const struct qcow2_writer *w, const struct qcow2_batch *batch,
		       const uint64_t place[BATCH_CLUSTERS], struct error *err)
{
	const uint8_t *data = batch->data;
	uint64_t at = 0;
	size_t len = 0;

	for (unsigned i = 0; i < batch->clusters; i++) {
		if (!batch->length[i])
			continue;
		if (place[i] != at + len) {
			if (pwrite_all(w->out_fd, data, len, (off_t)at) < 0)
				return error_errno(err, errno, "write the qcow2 file");
			data += len;
			at = place[i];
			len = 0;
		}
		len += batch->length[i];
	}
	if (pwrite_all(w->out_fd, data, len, (off_t)at) < 0)
		return error_errno(err, errno, "write the qcow2 file");
	return 0;
}

static void batch_submit(struct qcow2_writer *w, struct qcow2_batch *batch)
{
	uint64_t place[BATCH_CLUSTERS];
	struct error err = { 0 };

	pthread_mutex_lock(&w->lock);
	batch->ready = true;
	while (!w->draining && !w->failed && w->batch[w->written % w->batches].ready) {
		batch = &w->batch[w->written % w->batches];
		batch_place(w, batch, place);
		w->draining = true;
		pthread_mutex_unlock(&w->lock);
		if (batch_write(w, batch, place, &err) < 0)
			writer_fail(w, &err);
		pthread_mutex_lock(&w->lock);
		w->draining = batch->busy = batch->ready = false;
		w->written++;
		pthread_cond_broadcast(&w->freed);
		if (w->options->progress)
			w->options->progress(w->options->context, (batch->first + batch->clusters) * QCOW2_CLUSTER,
					     w->layout.size);
	}
	pthread_mutex_unlock(&w->lock);
}

static void writer_work(void *context)
{
	struct qcow2_writer *w = context;
	CLEANUP(codec_free_p)
	struct codec *codec = codec_new(w->options->compression, w->options->level);
	struct error err = { 0 };
	struct qcow2_batch *batch;

	while ((batch = batch_claim(w)) != NULL) {
		if (batch_pack(w, codec, batch, &err) < 0) {
			writer_fail(w, &err);
			break;
		}
		batch_submit(w, batch);
	}
}

static int write_tables(const struct qcow2_writer *w, struct error *err)
{
	CLEANUP(text_done) struct text header = { 0 }, tables = { 0 };
	uint64_t at;

	qcow2_layout_encode(&w->layout, w->options->compression, &header, &tables, &at);
	if (pwrite_all(w->out_fd, tables.data, tables.len, (off_t)at) < 0 ||
	    pwrite_all(w->out_fd, header.data, header.len, 0) < 0)
		return error_errno(err, errno, "write the qcow2 tables");
	return 0;
}

static void writer_done(struct qcow2_writer *w)
{
	for (unsigned i = 0; i < w->batches; i++)
		free(w->batch[i].data);
	free(w->batch);
	qcow2_layout_done(&w->layout);
	pthread_cond_destroy(&w->freed);
	pthread_mutex_destroy(&w->lock);
}

int qcow2_write(int raw_fd, int out_fd, const struct qcow2_options *options, struct error *err)
{
	CLEANUP(writer_done)
	struct qcow2_writer w = { .raw_fd = raw_fd,
				  .out_fd = out_fd,
				  .options = options,
				  .lock = PTHREAD_MUTEX_INITIALIZER,
				  .freed = PTHREAD_COND_INITIALIZER };
	unsigned threads = workers_size(options->threads);
	struct stat st;

	if (fstat(raw_fd, &st) < 0)
		return error_errno(err, errno, "stat the raw disk");
	if (st.st_size % QCOW2_SECTOR)
		return error_set(err, ERROR_FAILED, "the raw disk's size of %lld bytes is not a multiple of %u",
				 (long long)st.st_size, QCOW2_SECTOR);
	qcow2_layout_init(&w.layout, (uint64_t)st.st_size);
	w.batches = threads * BATCHES_PER_THREAD;
	w.batch = xcalloc(w.batches, sizeof *w.batch);
	for (unsigned i = 0; i < w.batches; i++)
		w.batch[i].data = xmalloc((size_t)BATCH_CLUSTERS * QCOW2_CLUSTER);
	workers_run(threads, writer_work, &w);
	if (w.failed) {
		*err = w.error;
		return -1;
	}
	return write_tables(&w, err);
}
