/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Treats the file as hostile: every offset is checked against the file's length, every table against a limit, and
 * the number of clusters in use against what a file of this length can hold.
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/codec.h"
#include "builder/disk/qcow2.h"
#include "builder/disk/qcow2_format.h"
#include "builder/job/workers.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"
#include "lib/vec.h"

#define CLUSTER_BITS_MIN 9u
#define CLUSTER_BITS_MAX 21u
#define L1_BYTES_MAX (32u << 20) /* QEMU's own limit */
#define PACKED_MIN 8u            /* no cluster compresses to less */
#define PLACES_MAX (16u << 20)   /* clusters and tables in use: 1 TiB in clusters of 64 KiB */

/* The incompatible features that can be read. Dirty only means that refcounts may be stale, and those are not used. */
#define INCOMPATIBLE_KNOWN (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_COMPRESSION)

struct qcow2_reader {
	int fd, raw_fd;
	uint64_t file_size;
	struct qcow2_info info;
	uint32_t cluster_bits;
	uint64_t cluster, l2_entries; /* bytes; entries of an L2 table */
	uint64_t *l1;                 /* owned; CPU order */
	uint64_t l1_size;
	pthread_mutex_t lock;   /* guards everything below */
	uint64_t next;          /* the first L1 entry that no thread has claimed yet */
	uint64_t plain, packed; /* clusters seen so far */
	bool failed;
	struct error error;
};

static int broken(struct error *err, const char *what, uint64_t at)
{
	return error_set(err, ERROR_FAILED, "qcow2: %s (at %llu)", what, (unsigned long long)at);
}

static int header_read(int fd, struct qcow2_header *h, uint64_t *ret_file_size, struct error *err)
{
	struct stat st;

	*h = (struct qcow2_header){ 0 };
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "qcow2: stat");
	if (st.st_size < (off_t)QCOW2_HEADER_V2)
		return broken(err, "the file is too short for a header", (uint64_t)st.st_size);
	if (pread_all(fd, h, (size_t)st.st_size < sizeof *h ? QCOW2_HEADER_V2 : sizeof *h, 0) < 0)
		return error_errno(err, errno, "qcow2: read the header");
	*ret_file_size = (uint64_t)st.st_size;
	return 0;
}

static int header_check(const struct qcow2_header *h, struct error *err)
{
	uint32_t version = be32toh(h->version), bits = be32toh(h->cluster_bits);

	if (be32toh(h->magic) != QCOW2_MAGIC)
		return error_set(err, ERROR_FAILED, "qcow2: this is not a qcow2 file");
	if (version != 2 && version != 3)
		return error_set(err, ERROR_FAILED, "qcow2: version %u is not known", version);
	if (bits < CLUSTER_BITS_MIN || bits > CLUSTER_BITS_MAX)
		return error_set(err, ERROR_FAILED, "qcow2: clusters of 2^%u bytes are not allowed", bits);
	if (h->backing_offset)
		return error_set(err, ERROR_FAILED, "qcow2: it has a backing file; flatten it with qemu-img convert");
	if (h->crypt_method)
		return error_set(err, ERROR_FAILED, "qcow2: it is encrypted; decrypt it with qemu-img convert");
	if (version == 3 && be64toh(h->incompatible) & ~(uint64_t)INCOMPATIBLE_KNOWN)
		return error_set(
			err, ERROR_FAILED,
			"qcow2: it uses features that are not known (mask 0x%llx); rewrite it with qemu-img convert",
			(unsigned long long)be64toh(h->incompatible));
	if (be64toh(h->size) > QCOW2_SIZE_MAX)
		return error_set(err, ERROR_FAILED,
				 "qcow2: a virtual size of %llu bytes is more than the limit of %llu",
				 (unsigned long long)be64toh(h->size), QCOW2_SIZE_MAX);
	return 0;
}

static int header_compression(const struct qcow2_header *h, enum compression *ret, struct error *err)
{
	uint8_t type = QCOW2_TYPE_ZLIB;

	if (be32toh(h->version) == 3 && be32toh(h->header_length) > QCOW2_HEADER_V3)
		type = h->compression_type;
	if (type != QCOW2_TYPE_ZLIB && type != QCOW2_TYPE_ZSTD)
		return error_set(err, ERROR_FAILED, "qcow2: compression type %u is not known", type);
	*ret = type == QCOW2_TYPE_ZSTD ? COMPRESSION_ZSTD : COMPRESSION_ZLIB;
	return 0;
}

/* Reads a whole table of big-endian numbers. */
static int table_read(const struct qcow2_reader *r, uint64_t at, uint64_t *table, uint64_t n, struct error *err)
{
	if (at > r->file_size || n * sizeof *table > r->file_size - at)
		return broken(err, "a table lies outside of the file", at);
	if (pread_all(r->fd, table, n * sizeof *table, (off_t)at) < 0)
		return error_errno(err, errno, "qcow2: read a table");
	for (uint64_t i = 0; i < n; i++)
		table[i] = be64toh(table[i]);
	return 0;
}

static int reader_open(struct qcow2_reader *r, int fd, struct error *err)
{
	struct qcow2_header h;
	uint64_t span, needed;

	*r = (struct qcow2_reader){ .fd = fd, .lock = PTHREAD_MUTEX_INITIALIZER };
	if (header_read(fd, &h, &r->file_size, err) < 0 || header_check(&h, err) < 0 ||
	    header_compression(&h, &r->info.compression, err) < 0)
		return -1;
	r->cluster_bits = be32toh(h.cluster_bits);
	r->cluster = 1ull << r->cluster_bits;
	r->l2_entries = r->cluster / sizeof(uint64_t);
	r->info.size = be64toh(h.size);
	r->info.cluster_size = r->cluster;
	r->info.version = be32toh(h.version);
	span = r->cluster * r->l2_entries;
	needed = r->info.size / span + (r->info.size % span != 0);
	r->l1_size = be32toh(h.l1_size);
	if (r->l1_size < needed)
		return broken(err, "the L1 table is shorter than the disk", r->l1_size);
	r->l1_size = needed;
	if (needed * sizeof *r->l1 > L1_BYTES_MAX)
		return broken(err, "the L1 table is longer than 32 MiB", needed);
	r->l1 = xcalloc(needed + 1, sizeof *r->l1);
	return table_read(r, be64toh(h.l1_offset), r->l1, needed, err);
}

static void reader_done(struct qcow2_reader *r)
{
	free(r->l1);
	pthread_mutex_destroy(&r->lock);
}

static void reader_fail(struct qcow2_reader *r, const struct error *err)
{
	pthread_mutex_lock(&r->lock);
	if (!r->failed)
		r->error = *err;
	r->failed = true;
	pthread_mutex_unlock(&r->lock);
}

/* Claims the L2 table of the next L1 entry that has one: 1, or 0 when there is none left. */
static int claim(struct qcow2_reader *r, uint64_t *ret_index)
{
	int found = 0;

	pthread_mutex_lock(&r->lock);
	while (!r->failed && r->next < r->l1_size && !(r->l1[r->next] & QCOW2_OFFSET))
		r->next++;
	if (!r->failed && r->next < r->l1_size) {
		*ret_index = r->next++;
		found = 1;
	}
	pthread_mutex_unlock(&r->lock);
	return found;
}

/* Without snapshots each cluster is referenced once, so the file's size limits their number; more are a decompression
 * bomb. */
static int count(struct qcow2_reader *r, uint64_t plain, uint64_t packed, struct error *err)
{
	bool too_many;

	pthread_mutex_lock(&r->lock);
	r->plain += plain;
	r->packed += packed;
	too_many = r->plain > r->file_size / r->cluster + 1 || r->packed > r->file_size / PACKED_MIN;
	pthread_mutex_unlock(&r->lock);
	if (too_many)
		return broken(err, "more clusters are in use than the file can hold", plain + packed);
	return 0;
}

static int read_packed(const struct qcow2_reader *r, struct codec *codec, uint64_t entry, uint8_t *in, uint8_t *out,
		       struct error *err)
{
	unsigned shift = QCOW2_SECTORS_SHIFT(r->cluster_bits);
	uint64_t at = entry & ((1ull << shift) - 1);
	uint64_t len = (((entry & ~(QCOW2_COMPRESSED | QCOW2_COPIED)) >> shift) + 1) * QCOW2_SECTOR - at % QCOW2_SECTOR;

	if (at >= r->file_size)
		return broken(err, "a compressed cluster lies outside of the file", at);
	/* The last sector may be short: qemu-img does not pad the file. */
	if (len > r->file_size - at)
		len = r->file_size - at;
	if (pread_all(r->fd, in, len, (off_t)at) < 0)
		return error_errno(err, errno, "qcow2: read a compressed cluster");
	if (codec_unpack(codec, in, len, out, r->cluster) < 0)
		return broken(err, "a compressed cluster is damaged", at);
	return 0;
}

static int read_plain(const struct qcow2_reader *r, uint64_t entry, uint8_t *out, struct error *err)
{
	uint64_t at = entry & QCOW2_OFFSET;

	if (at % r->cluster)
		return broken(err, "a cluster is not aligned", at);
	if (at >= r->file_size)
		return broken(err, "a cluster lies outside of the file", at);
	memset(out, 0, r->cluster);
	if (pread_all(r->fd, out, r->cluster < r->file_size - at ? r->cluster : r->file_size - at, (off_t)at) < 0)
		return error_errno(err, errno, "qcow2: read a cluster");
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return !n || (!bytes[0] && !memcmp(bytes, bytes + 1, n - 1));
}

/* Copies one guest cluster into the raw file; what reads as zeros stays a hole. */
static int cluster_copy(struct qcow2_reader *r, struct codec *codec, uint64_t guest, uint64_t entry, uint8_t *in,
			uint8_t *out, struct error *err)
{
	uint64_t at = guest * r->cluster, len = r->cluster;
	bool packed = entry & QCOW2_COMPRESSED;

	if (!packed && (entry & QCOW2_ZERO || !(entry & QCOW2_OFFSET)))
		return 0;
	if (count(r, !packed, packed, err) < 0)
		return -1;
	if ((packed ? read_packed(r, codec, entry, in, out, err) : read_plain(r, entry, out, err)) < 0)
		return -1;
	if (len > r->info.size - at)
		len = r->info.size - at;
	if (is_zero(out, len))
		return 0;
	if (pwrite_all(r->raw_fd, out, len, (off_t)at) < 0)
		return error_errno(err, errno, "write the raw disk");
	return 0;
}

static int table_copy(struct qcow2_reader *r, struct codec *codec, uint64_t index, struct error *err)
{
	CLEANUP(free_p) uint64_t *l2 = xcalloc(r->l2_entries, sizeof *l2);
	/* The length field of a compressed cluster allows up to two clusters and a sector. */
	CLEANUP(free_p) uint8_t *in = xmalloc(2 * r->cluster + QCOW2_SECTOR);
	CLEANUP(free_p) uint8_t *out = xmalloc(r->cluster);
	uint64_t first = index * r->l2_entries, clusters = (r->info.size + r->cluster - 1) / r->cluster;

	if (table_read(r, r->l1[index] & QCOW2_OFFSET, l2, r->l2_entries, err) < 0)
		return -1;
	for (uint64_t i = 0; i < r->l2_entries && first + i < clusters; i++) {
		if (cluster_copy(r, codec, first + i, l2[i], in, out, err) < 0)
			return -1;
	}
	return 0;
}

static void reader_work(void *context)
{
	struct qcow2_reader *r = context;
	CLEANUP(codec_free_p) struct codec *codec = codec_new(r->info.compression, 0);
	struct error err = { 0 };
	uint64_t index;

	while (claim(r, &index)) {
		if (table_copy(r, codec, index, &err) < 0)
			reader_fail(r, &err);
	}
}

/* Where something begins in the file. Without snapshots each cluster and each table is referenced once: a place that is used twice makes
 * an image larger than its file without limit. */
struct place {
	uint64_t at;
	uint32_t least; /* bytes that it has at least */
};

struct places {
	VEC(struct place) list;
};

static int add_place(struct places *p, uint64_t at, uint32_t least, struct error *err)
{
	if (p->list.n >= PLACES_MAX)
		return error_set(err, ERROR_FAILED, "qcow2: more than %u clusters are in use", PLACES_MAX);
	vec_push(&p->list, ((struct place){ at, least }));
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int places_check(struct places *p, struct error *err)
{
	if (p->list.n > 1)
		qsort(p->list.at, p->list.n, sizeof *p->list.at, compare_places);
	for (size_t i = 1; i < p->list.n; i++)
		if (p->list.at[i].at - p->list.at[i - 1].at < p->list.at[i - 1].least)
			return broken(err, "a place in the file is used twice", p->list.at[i].at);
	return 0;
}

/* The clusters that an L2 table uses. */
static int table_places(struct qcow2_reader *r, uint64_t index, struct places *p, struct error *err)
{
	CLEANUP(free_p) uint64_t *l2 = xcalloc(r->l2_entries, sizeof *l2);
	uint64_t compressed_at = (1ull << QCOW2_SECTORS_SHIFT(r->cluster_bits)) - 1;
	int rc = table_read(r, r->l1[index] & QCOW2_OFFSET, l2, r->l2_entries, err);

	for (uint64_t i = 0; rc == 0 && i < r->l2_entries; i++) {
		bool packed = l2[i] & QCOW2_COMPRESSED;
		if (!packed && (!(l2[i] & QCOW2_OFFSET) || l2[i] & QCOW2_ZERO))
			continue;
		r->info.allocated += r->cluster;
		rc = packed ? add_place(p, l2[i] & compressed_at, PACKED_MIN, err)
			    : add_place(p, l2[i] & QCOW2_OFFSET, (uint32_t)r->cluster, err);
	}
	return rc;
}

static int reader_check(struct qcow2_reader *r, struct error *err)
{
	struct places p = { 0 };
	uint64_t index;
	int rc = 0;

	while (rc == 0 && claim(r, &index)) {
		rc = add_place(&p, r->l1[index] & QCOW2_OFFSET, (uint32_t)r->cluster, err);
		if (rc == 0)
			rc = table_places(r, index, &p, err);
	}
	if (rc == 0)
		rc = places_check(&p, err);
	vec_done(&p.list);
	r->next = 0;
	return rc;
}

int qcow2_read(int fd, int raw_fd, struct error *err)
{
	CLEANUP(reader_done) struct qcow2_reader r = { 0 };

	if (reader_open(&r, fd, err) < 0 || reader_check(&r, err) < 0)
		return -1;
	r.raw_fd = raw_fd;
	if (ftruncate(raw_fd, (off_t)r.info.size) < 0)
		return error_errno(err, errno, "resize the raw disk to %s", text_bytes(r.info.size));
	workers_run(workers_size(0), reader_work, &r);
	if (r.failed) {
		*err = r.error;
		return -1;
	}
	return 0;
}

int qcow2_info(int fd, struct qcow2_info *ret, struct error *err)
{
	CLEANUP(reader_done) struct qcow2_reader r = { 0 };

	if (reader_open(&r, fd, err) < 0 || reader_check(&r, err) < 0)
		return -1;
	*ret = r.info;
	return 0;
}
