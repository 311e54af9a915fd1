/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/disk/qcow2.h"
#include "builder/disk/qcow2_format.h"
#include "builder/disk/qcow2_layout.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/process.h"
#include "tests/unit/check.h"

#define CLUSTERS 40u
#define TAIL 1536u /* bytes of the last cluster: a disk ends on a sector, not on a cluster boundary */
#define SIZE (CLUSTERS * (uint64_t)QCOW2_CLUSTER + TAIL)

static uint32_t noise_state = 1;

static uint8_t noise(void)
{
	noise_state = noise_state * 1664525u + 1013904223u;
	return (uint8_t)(noise_state >> 24);
}

/* Holes, written zeros, compressible and incompressible clusters, in turn. */
static int make_raw(void)
{
	int fd = memfd_create("raw", MFD_CLOEXEC);
	uint8_t cluster[QCOW2_CLUSTER];

	if (fd < 0 || ftruncate(fd, (off_t)SIZE) < 0)
		return -1;
	noise_state = 1;
	for (unsigned i = 0; i <= CLUSTERS; i++) {
		if (i % 4 == 0)
			continue;
		for (size_t j = 0; j < sizeof cluster; j++)
			cluster[j] = i % 4 == 1 ? 0 : i % 4 == 2 ? (uint8_t)(j / 100 + i) : noise();
		if (pwrite_all(fd, cluster, i == CLUSTERS ? TAIL : sizeof cluster, (off_t)i * QCOW2_CLUSTER) < 0)
			return -1;
	}
	return pwrite_all(fd, "the end", 7, (off_t)SIZE - 7) < 0 ? -1 : fd;
}

static int same_bytes(int a, int b)
{
	char x[SHA256_HEX], y[SHA256_HEX];
	struct error err = { 0 };

	return sha256_fd(a, x, &err) == 0 && sha256_fd(b, y, &err) == 0 && strcmp(x, y) == 0;
}

static int make_qcow2(enum compression compression, unsigned threads)
{
	struct qcow2_options options = { .compression = compression, .threads = threads };
	CLEANUP(close_p) int raw = make_raw();
	int fd = memfd_create("qcow2", MFD_CLOEXEC);
	struct error err = { 0 };

	if (raw < 0 || fd < 0 || qcow2_write(raw, fd, &options, &err) < 0) {
		printf("# %s\n", err.text);
		return -1;
	}
	return fd;
}

static const char *there_and_back(enum compression compression)
{
	CLEANUP(close_p)
	int raw = make_raw(), fd = make_qcow2(compression, 2), back = memfd_create("back", MFD_CLOEXEC);
	struct error err = { 0 };

	if (qcow2_read(fd, back, &err) < 0)
		return "cannot be read";
	return same_bytes(raw, back) ? "same" : "differs";
}

TEST(qcow2_read_returns_what_was_written)
{
	CHECK_STR(there_and_back(COMPRESSION_ZSTD), "same");
	CHECK_STR(there_and_back(COMPRESSION_ZLIB), "same");
	CHECK_STR(there_and_back(COMPRESSION_NONE), "same");
}

TEST(qcow2_write_is_reproducible)
{
	CLEANUP(close_p) int one = make_qcow2(COMPRESSION_ZSTD, 1);

	for (unsigned threads = 2; threads < 6; threads++) {
		CLEANUP(close_p) int many = make_qcow2(COMPRESSION_ZSTD, threads);
		CHECK(same_bytes(one, many));
	}
}

/* Asks QEMU's own tools. */
static const char *qemu_says(enum compression compression)
{
	CLEANUP(close_p) int raw = make_raw(), fd = make_qcow2(compression, 2);
	CLEANUP(free_p) char *raw_path = xasprintf("/proc/%d/fd/%d", getpid(), raw);
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	char *check[] = { "qemu-img", "check", "-f", "qcow2", path, NULL };
	char *compare[] = { "qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw_path, path, NULL };
	static struct error err;

	if (process_run(&(struct process){ .argv = check }, &err) < 0 ||
	    process_run(&(struct process){ .argv = compare }, &err) < 0)
		return err.text;
	return "fine";
}

TEST(qcow2_write_satisfies_qemu_img)
{
	if (!process_exists("qemu-img"))
		SKIP("needs qemu-img");
	CHECK_STR(qemu_says(COMPRESSION_ZSTD), "fine");
	CHECK_STR(qemu_says(COMPRESSION_ZLIB), "fine");
	CHECK_STR(qemu_says(COMPRESSION_NONE), "fine");
}

TEST(qcow2_info_of_an_empty_disk)
{
	CLEANUP(close_p) int raw = memfd_create("raw", MFD_CLOEXEC), fd = memfd_create("qcow2", MFD_CLOEXEC);
	struct qcow2_options options = { .compression = COMPRESSION_ZSTD };
	struct error err = { 0 };
	struct qcow2_info info;

	CHECK(ftruncate(raw, 10l << 30) == 0);
	CHECK(qcow2_write(raw, fd, &options, &err) == 0);
	CHECK(qcow2_info(fd, &info, &err) == 0);
	CHECK(info.size == 10ull << 30 && info.allocated == 0 && info.version == 3 &&
	      info.compression == COMPRESSION_ZSTD);
}

TEST(qcow2_write_refuses_part_of_a_sector)
{
	CLEANUP(close_p) int raw = memfd_create("raw", MFD_CLOEXEC), fd = memfd_create("qcow2", MFD_CLOEXEC);
	struct qcow2_options options = { .compression = COMPRESSION_ZSTD };
	struct error err = { 0 };

	CHECK(ftruncate(raw, 1000) == 0);
	CHECK(qcow2_write(raw, fd, &options, &err) < 0 && strstr(err.text, "not a multiple of 512"));
}

static uint64_t sectors_of(uint64_t entry)
{
	return (entry & ~QCOW2_COMPRESSED) >> QCOW2_SECTORS_SHIFT(QCOW2_CLUSTER_BITS);
}

TEST(qcow2_layout_packs_byte_to_byte)
{
	CLEANUP(qcow2_layout_done) struct qcow2_layout l;

	qcow2_layout_init(&l, 100 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 0, 1000) == QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 1, 65000) == QCOW2_CLUSTER + 1000); /* continues in the next host cluster */
	CHECK(l.end == 3 * QCOW2_CLUSTER);
	CHECK(sectors_of(l.entry[0]) == 1);   /* bytes 0..999: one sector follows the first */
	CHECK(sectors_of(l.entry[1]) == 127); /* bytes 1000..65999: sectors 1..128 */
}

TEST(qcow2_layout_fills_the_gap_before_a_plain_cluster)
{
	CLEANUP(qcow2_layout_done) struct qcow2_layout l;

	qcow2_layout_init(&l, 100 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 0, 60000) == QCOW2_CLUSTER);
	CHECK(qcow2_layout_plain(&l, 1) == 2 * QCOW2_CLUSTER);
	CHECK(l.entry[1] == (QCOW2_COPIED | 2 * QCOW2_CLUSTER));
	CHECK(qcow2_layout_packed(&l, 2, 5000) == QCOW2_CLUSTER + 60000); /* fits before the plain one */
	CHECK(qcow2_layout_packed(&l, 3, 5000) == 3 * QCOW2_CLUSTER);     /* does not */
	CHECK(qcow2_layout_packed(&l, 4, QCOW2_CLUSTER - 5000) == 3 * QCOW2_CLUSTER + 5000);
	CHECK(qcow2_layout_packed(&l, 5, 10) == 4 * QCOW2_CLUSTER); /* filled exactly before */
}

TEST(qcow2_layout_gap_can_be_filled_exactly)
{
	CLEANUP(qcow2_layout_done) struct qcow2_layout l;

	qcow2_layout_init(&l, 100 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 0, 60000) == QCOW2_CLUSTER);
	CHECK(qcow2_layout_plain(&l, 1) == 2 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_plain(&l, 2) == 3 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 3, QCOW2_CLUSTER - 60000) == QCOW2_CLUSTER + 60000);
	CHECK(l.end == 4 * QCOW2_CLUSTER); /* the plain ones keep their places */
	CHECK(qcow2_layout_plain(&l, 4) == 4 * QCOW2_CLUSTER);
	CHECK(qcow2_layout_packed(&l, 5, 1) == 5 * QCOW2_CLUSTER);
}

/* A full disk: a file that cannot grow beyond one cluster, or beyond the data. */
static const char *written_into(off_t size)
{
	struct qcow2_options options = { .compression = COMPRESSION_NONE, .threads = 2 };
	CLEANUP(close_p) int raw = make_raw(), fd = memfd_create("qcow2", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	static struct error err;

	err = (struct error){ 0 };
	if (ftruncate(fd, size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return "cannot seal";
	return qcow2_write(raw, fd, &options, &err) < 0 ? err.text : "accepted";
}

TEST(qcow2_write_reports_a_full_disk)
{
	CHECK(text_starts(written_into(QCOW2_CLUSTER), "write the qcow2 file: "));
	CHECK(text_starts(written_into(22 * QCOW2_CLUSTER), "write the qcow2 tables: "));
	CHECK_STR(written_into(60 * QCOW2_CLUSTER), "accepted");
}

/* Changes a header field of a valid file and returns the reader's answer. */
static const char *with_header(size_t at, uint64_t value, size_t width)
{
	CLEANUP(close_p) int fd = make_qcow2(COMPRESSION_ZSTD, 1), out = memfd_create("out", MFD_CLOEXEC);
	uint64_t be = htobe64(value);
	static struct error err;

	err = (struct error){ 0 };
	if (pwrite_all(fd, (char *)&be + sizeof be - width, width, (off_t)at) < 0)
		return "pwrite";
	return qcow2_read(fd, out, &err) < 0 ? err.text : "accepted";
}

TEST(qcow2_read_refuses_bad_headers)
{
	CHECK(strstr(with_header(0, 0x7f454c46, 4), "not a qcow2 file"));
	CHECK(strstr(with_header(4, 4, 4), "version 4"));
	CHECK(strstr(with_header(8, 4096, 8), "backing file"));
	CHECK(strstr(with_header(20, 63, 4), "2^63"));
	CHECK(strstr(with_header(24, QCOW2_SIZE_MAX + 1, 8), "more than the limit"));
	CHECK(strstr(with_header(32, 1, 4), "encrypted"));
	CHECK(strstr(with_header(36, 0, 4), "shorter than the disk"));
	CHECK(strstr(with_header(40, 1ull << 60, 8), "outside of the file"));
	CHECK(strstr(with_header(72, 1u << 2, 8), "not known")); /* external data file */
	CHECK(strstr(with_header(104, 7, 1), "compression type 7"));
}

/* Replaces the first L2 entry of guest cluster 2, which is compressed. */
static const char *with_entry(uint64_t entry)
{
	CLEANUP(close_p) int fd = make_qcow2(COMPRESSION_ZSTD, 1), out = memfd_create("out", MFD_CLOEXEC);
	uint64_t l1_at, l2_at, be = htobe64(entry);
	static struct error err;

	err = (struct error){ 0 };
	if (pread_all(fd, &l1_at, 8, 40) < 0 || pread_all(fd, &l2_at, 8, (off_t)be64toh(l1_at)) < 0 ||
	    pwrite_all(fd, &be, 8, (off_t)(be64toh(l2_at) & QCOW2_OFFSET) + 2 * 8) < 0)
		return "pwrite";
	return qcow2_read(fd, out, &err) < 0 ? err.text : "accepted";
}

TEST(qcow2_read_refuses_bad_entries)
{
	CHECK_STR(with_entry(0), "accepted"); /* reads as zeros: the helper itself works */
	CHECK(strstr(with_entry(1ull << 40), "outside of the file"));
	CHECK(strstr(with_entry(QCOW2_COPIED | 512), "not aligned"));
	CHECK(strstr(with_entry(QCOW2_COMPRESSED | 1ull << 50), "outside of the file"));
	CHECK(strstr(with_entry(QCOW2_COMPRESSED | 8), "damaged"));
}
