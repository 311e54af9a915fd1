/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/disk/ext4.h"
#include "builder/disk/ext4_dir.h"
#include "builder/disk/ext4_inode.h"
#include "builder/disk/ext4_populate.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/process.h"
#include "tests/unit/check.h"

#define MIB (1ull << 20)
#define EPOCH 1700000000

static ino_t unreadable; /* pread(2) of this file fails; 0: of none */

/* In place of libc's. */
ssize_t pread(int fd, void *buffer, size_t len, off_t at)
{
	struct stat st;

	if (unreadable && fstat(fd, &st) == 0 && st.st_ino == unreadable) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, buffer, len, at);
}

TEST(ext4_dir_entries_stay_in_their_block)
{
	CLEANUP(ext4_dir_done) struct ext4_dir dir = { 0 };
	unsigned entries = 0;

	ext4_dir_start(&dir, 2, 2);
	for (unsigned i = 0; i < 1000; i++) {
		char name[256];
		snprintf(name, sizeof name, "%0*u", 1 + (int)(i * 37 % 255), i % 10);
		ext4_dir_add(&dir, name, 100 + i, i % 7 ? S_IFREG : S_IFDIR);
	}
	ext4_dir_end(&dir);
	CHECK(dir.blocks.len % EXT4_BLOCK == 0 && dir.subdirs == 143);
	for (size_t at = 0; at < dir.blocks.len;) {
		const uint8_t *entry = (const uint8_t *)dir.blocks.data + at;
		size_t length = entry[4] | (size_t)entry[5] << 8;
		CHECK(length >= 12 && length % 4 == 0 && at / EXT4_BLOCK == (at + length - 1) / EXT4_BLOCK);
		entries += entry[0] || entry[1];
		at += length;
	}
	CHECK(entries == 1002);
}

/* A tree with an entry of each kind, in a temporary directory. */
struct sample {
	char path[32];
	int fd;
};

static void sample_done(struct sample *s)
{
	struct error err = { 0 };

	if (s->fd < 0)
		return;
	close(s->fd);
	if (tree_remove(AT_FDCWD, s->path, &err) < 0)
		printf("# %s\n", err.text);
}

static int sample_files(int fd, struct error *err)
{
	CLEANUP(free_p) char *big = xcalloc(1, 300000);

	memset(big, 'x', 300000);
	if (dir_make(fd, "etc/many", 0755, err) < 0 || file_write(fd, "etc/hostname", "node\n", 5, 0644, err) < 0 ||
	    file_write(fd, "etc/big", big, 300000, 0600, err) < 0 || file_write(fd, "etc/empty", "", 0, 0644, err) < 0)
		return -1;
	for (unsigned i = 0; i < 120; i++) { /* more than one block of entries */
		char name[64];
		snprintf(name, sizeof name, "etc/many/a-name-of-some-length-%03u", i);
		if (file_write(fd, name, name, strlen(name), 0644, err) < 0)
			return -1;
	}
	return 0;
}

#define LONG_TARGET                                                                                                    \
	"a/target/that/is/longer/than/sixty/bytes/and/so/needs/a/block/of/its/own/instead/of/living/in/the/inode"

static int sample_others(int fd, struct error *err)
{
	CLEANUP(close_p) int sparse = openat(fd, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	const struct timespec times[] = { { EPOCH - 5, 0 }, { EPOCH - 10, 0 } };

	if (sparse < 0 || ftruncate(sparse, 10 << 20) < 0 || pwrite_all(sparse, "middle", 6, 5 << 20) < 0 ||
	    symlinkat("etc/hostname", fd, "short") < 0 || symlinkat(LONG_TARGET, fd, "long") < 0 ||
	    linkat(fd, "etc/hostname", fd, "hard", 0) < 0 || mkfifoat(fd, "fifo", 0600) < 0 ||
	    utimensat(fd, "etc/hostname", times, 0) < 0)
		return error_errno(err, errno, "make the sample");
	return 0;
}

static int sample_make(struct sample *s, struct error *err)
{
	strcpy(s->path, "/tmp/test_ext4.XXXXXX");
	s->fd = mkdtemp(s->path) ? open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (s->fd < 0 || fchmod(s->fd, 0755) < 0)
		return error_errno(err, errno, "make the sample");
	return sample_files(s->fd, err) < 0 ? -1 : sample_others(s->fd, err);
}

static struct ext4_make sample_of(int fd, uint64_t size)
{
	return (struct ext4_make){ .fd = fd,
				   .offset = 0,
				   .size = size,
				   .uuid = "01234567-89ab-8def-8123-456789abcdef",
				   .hash_seed = "01234567-89ab-8def-8123-456789abcdee",
				   .epoch = EPOCH };
}

static int sample_write(const struct sample *s, int fd, uint64_t size, struct error *err)
{
	const struct ext4_make make = sample_of(fd, size);

	if (ftruncate(fd, (off_t)size) < 0)
		return -1;
	return ext4_write(&make, s->path, err);
}

TEST(ext4_write_satisfies_e2fsck)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	char *argv[] = { "e2fsck", "-f", "-n", path, NULL };
	struct error err = { 0 };

	CHECK(sample_make(&s, &err) == 0);
	CHECK(sample_write(&s, fd, 64 * MIB, &err) == 0);
	if (process_run(&(struct process){ .argv = argv }, &err) < 0)
		CHECK_STR(err.text, "");
}

TEST(ext4_write_is_reproducible)
{
	CLEANUP(sample_done) struct sample one = { .fd = -1 }, two = { .fd = -1 };
	CLEANUP(close_p) int a = memfd_create("a", MFD_CLOEXEC), b = memfd_create("b", MFD_CLOEXEC);
	char x[SHA256_HEX], y[SHA256_HEX];
	struct error err = { 0 };

	CHECK(sample_make(&one, &err) == 0 && sample_make(&two, &err) == 0);
	CHECK(sample_write(&one, a, 64 * MIB, &err) == 0 && sample_write(&two, b, 64 * MIB, &err) == 0);
	CHECK(sha256_fd(a, x, &err) == 0 && sha256_fd(b, y, &err) == 0);
	CHECK_STR(x, y);
}

TEST(ext4_write_full_names_both_sizes)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC), more = -1;
	struct error err = { 0 };
	char block[4096];

	CHECK(sample_make(&s, &err) == 0);
	memset(block, 1, sizeof block);
	more = openat(s.fd, "more", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	for (unsigned i = 0; i < 20 * MIB / sizeof block; i++)
		CHECK(write_all(more, block, sizeof block) == 0);
	CHECK(sample_write(&s, fd, 16 * MIB, &err) < 0);
	CHECK(err.class == ERROR_SPACE);
	CHECK(strstr(err.text, "the tree holds 2") && strstr(err.text, "16 MiB"));
}

static int find_entry(void *context, const char *name, uint32_t number, struct error *err UNUSED)
{
	uint32_t *numbers = context;

	numbers[0] = strcmp(name, "hard") == 0 ? number : numbers[0];
	numbers[1] = strcmp(name, "sparse") == 0 ? number : numbers[1];
	numbers[2] = strcmp(name, "long") == 0 ? number : numbers[2];
	return 0;
}

TEST(ext4_read_returns_what_was_written)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	CLEANUP(text_done) struct text hard = { 0 }, sparse = { 0 }, link = { 0 }, part = { 0 };
	uint32_t numbers[3] = { 0 };
	struct error err = { 0 };
	struct ext4_inode inode;

	CHECK(sample_make(&s, &err) == 0 && sample_write(&s, fd, 64 * MIB, &err) == 0);
	CHECK(ext4_open(fd, 0, false, &fs, &err) == 0);
	CHECK(ext4_list(fs, EXT4_ROOT, find_entry, numbers, &err) == 0);
	CHECK(ext4_stat(fs, numbers[0], &inode, &err) == 0);
	CHECK(inode.links == 2 && inode.mtime == EPOCH - 10 && inode.mode == (S_IFREG | 0644));
	CHECK(ext4_read(fs, numbers[0], 0, 100, &hard, &err) == 0 &&
	      ext4_read(fs, numbers[2], 0, 200, &link, &err) == 0);
	CHECK_STR(hard.data, "node\n");
	CHECK_STR(link.data, LONG_TARGET);
	CHECK(ext4_read(fs, numbers[1], (5 << 20) + 3, 3, &part, &err) == 0);
	CHECK_STR(part.data, "dle");
	CHECK(ext4_read(fs, numbers[0], 3, 100, &part, &err) == 0 && ext4_read(fs, numbers[0], 5, 1, &part, &err) == 0);
	CHECK_STR(part.data, "dlee\n");
	CHECK(ext4_read(fs, numbers[1], 0, 10 << 20, &sparse, &err) == 0);
	CHECK(sparse.len == 10 << 20 && memcmp(sparse.data + (5 << 20), "middle", 7) == 0);
	CHECK(ext4_stat(fs, numbers[1], &inode, &err) == 0 && inode.mtime == EPOCH); /* newer than the epoch */
}

static void gather(void *context, const char *name, const void *value, size_t len)
{
	text_addf(context, "%s=%.*s;", name, (int)len, (const char *)value);
}

static int find_etc(void *context, const char *name, uint32_t number, struct error *err UNUSED)
{
	if (!strcmp(name, "etc"))
		*(uint32_t *)context = number;
	return 0;
}

/* A directory of a preloaded image's layer that hides the ones below it. Only root may set these attributes. */
TEST(ext4_populate_keeps_opaque_directories)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	char *argv[] = { "debugfs", "-R", "ea_list /etc", path, NULL };
	CLEANUP(text_done) struct text list = { 0 };
	struct error err = { 0 };

	CHECK(sample_make(&s, &err) == 0);
	CLEANUP(close_p) int etc = dir_open(s.fd, "etc", &err);
	bool allowed = fsetxattr(etc, "trusted.overlay.opaque", "y", 1, 0) == 0 &&
		       fsetxattr(etc, "trusted.overlay.origin", "inode", 5, 0) == 0;
	CHECK(allowed || geteuid() != 0);
	CHECK(sample_write(&s, fd, 64 * MIB, &err) == 0);
	CHECK(process_run(&(struct process){ .argv = argv, .output = &list }, &err) == 0);
	CHECK(!allowed || (list.data && strstr(list.data, "trusted.overlay.opaque")));
	CHECK(!list.data || !strstr(list.data, "trusted.overlay.origin"));

	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	CLEANUP(text_done) struct text read = { 0 };
	uint32_t number = 0;
	CHECK(ext4_open(fd, 0, false, &fs, &err) == 0 && ext4_list(fs, EXT4_ROOT, find_etc, &number, &err) == 0);
	CHECK(ext4_xattrs(fs, number, gather, &read, &err) == 0);
	CHECK(!allowed || text_same(read.data, "trusted.overlay.opaque=y;"));
}

TEST(ext4_inode_time_has_34_bits)
{
	static const int64_t times[] = {
		0,
		1,
		-1,
		INT32_MIN,
		INT32_MAX,
		INT64_C(2147483648),
		INT64_C(4294967295),
		INT64_C(4294967296),
		INT64_C(15032385535),
	};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct ext4_inode inode = { .mode = S_IFREG, .mtime = times[i] };
		struct ext4_raw raw;
		ext4_inode_encode(&inode, &raw);
		CHECK(ext4_inode_time(raw.mtime, raw.mtime_extra) == times[i]);
		CHECK(ext4_inode_time(raw.crtime, raw.crtime_extra | 0xfffffffc) == times[i]); /* with nanoseconds */
	}
}

TEST(ext4_inode_encode_devices_and_links)
{
	struct ext4_inode inode = {
		.mode = S_IFCHR, .device = makedev(5, 1), .uid = 0x12345, .gid = 0x6789a, .links = 3
	};
	struct ext4_raw raw;

	ext4_inode_encode(&inode, &raw);
	CHECK(raw.block[0] == 0x501 && raw.block[1] == 0 && raw.flags == 0 && raw.links == 3);
	CHECK(raw.uid == 0x2345 && raw.uid_high == 1 && raw.gid == 0x789a && raw.gid_high == 6);
	inode.device = makedev(0x123, 0x4567);
	inode.links = EXT4_LINKS_MAX + 1;
	ext4_inode_encode(&inode, &raw);
	CHECK(raw.block[0] == 0 && raw.block[1] == 0x4512367 && raw.links == 1);
}

/* The time of the root directory in a file system with inodes of that size, after debugfs has set it. */
static int64_t root_time(const char *inode_size, const char *value)
{
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	CLEANUP(free_p) char *command = xasprintf("set_inode_field / mtime %s", value);
	char *make[] = { "mke2fs", "-q", "-F", "-t", "ext4", "-I", (char *)inode_size, path, NULL };
	char *set[] = { "debugfs", "-w", "-R", command, path, NULL };
	CLEANUP(text_done) struct text output = { 0 };
	struct ext4_inode inode = { .mtime = -1 };
	struct error err = { 0 };

	if (ftruncate(fd, 8 * MIB) < 0 || process_run(&(struct process){ .argv = make, .output = &output }, &err) < 0 ||
	    process_run(&(struct process){ .argv = set, .output = &output }, &err) < 0 ||
	    ext4_open(fd, 0, false, &fs, &err) < 0 || ext4_stat(fs, EXT4_ROOT, &inode, &err) < 0)
		printf("# %s\n", err.text);
	return inode.mtime;
}

TEST(ext4_stat_reads_both_inode_sizes)
{
	CHECK(root_time("256", "@1700000000") == 1700000000);
	CHECK(root_time("256", "@4102444800") == 4102444800); /* 2100-01-01 */
	CHECK(root_time("128", "@1700000000") == 1700000000);
}

TEST(ext4_write_keeps_dates_after_2038)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	const struct timespec times[] = { { 4102444800, 0 }, { 4102444800, 0 } };
	struct ext4_make make = sample_of(fd, 64 * MIB);
	uint32_t numbers[3] = { 0 };
	struct error err = { 0 };
	struct ext4_inode inode;

	CHECK(sample_make(&s, &err) == 0 && utimensat(s.fd, "sparse", times, 0) == 0);
	make.epoch = 4200000000;
	CHECK(ftruncate(fd, 64 * MIB) == 0 && ext4_write(&make, s.path, &err) == 0);
	CHECK(ext4_open(fd, 0, false, &fs, &err) == 0);
	CHECK(ext4_list(fs, EXT4_ROOT, find_entry, numbers, &err) == 0);
	CHECK(ext4_stat(fs, numbers[1], &inode, &err) == 0 && inode.mtime == 4102444800);
}

TEST(ext4_link_reports_an_unreadable_inode)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	struct error err = { 0 };
	struct ext4_inode inode;

	CHECK(sample_make(&s, &err) == 0 && sample_write(&s, fd, 64 * MIB, &err) == 0);
	CHECK(ext4_open(fd, 0, true, &fs, &err) == 0);
	CHECK(ext4_link(fs, 0x7fffffff, &err) < 0 && strstr(err.text, "add a hard link (inode 2147483647)"));
	CHECK(ext4_stat(fs, 0x7fffffff, &inode, &err) < 0 && strstr(err.text, "read an inode"));
}

/* The error, which names the entry. out: where file contents are written. */
static const char *populate_error(const char *root, int out)
{
	CLEANUP(sample_done) struct sample empty = { .path = "/tmp/test_ext4.XXXXXX", .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	struct ext4_make make = sample_of(fd, 64 * MIB);
	static struct error err;

	err = (struct error){ 0 };
	empty.fd = mkdtemp(empty.path) ? dir_open(AT_FDCWD, empty.path, &err) : -1;
	if (empty.fd < 0 || sample_write(&empty, fd, 64 * MIB, &err) < 0 || ext4_open(fd, 0, true, &fs, &err) < 0)
		return err.text;
	make.fd = out;
	ext4_set_time(fs, EPOCH);
	return ext4_populate(fs, &make, root, &err) < 0 ? err.text : "accepted";
}

TEST(ext4_populate_reports_a_failed_write)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int sealed = memfd_create("full", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct error err = { 0 };

	CHECK(sample_make(&s, &err) == 0 && fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE) == 0);
	CHECK(strstr(populate_error(s.path, sealed), "put /etc/big on the disk: write to the disk: "));
	CHECK(strstr(populate_error("/nonexistent", sealed), "put / on the disk: open directory: "));
}

TEST(ext4_populate_reports_a_failed_read)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int out = memfd_create("out", MFD_CLOEXEC);
	struct error err = { 0 };
	struct stat st;

	CHECK(sample_make(&s, &err) == 0 && fstatat(s.fd, "etc/big", &st, 0) == 0);
	unreadable = st.st_ino;
	const char *got = populate_error(s.path, out);
	unreadable = 0;
	CHECK(strstr(got, "put /etc/big on the disk: read: "));
}

TEST(ext4_populate_limits_the_depth)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int out = memfd_create("out", MFD_CLOEXEC);
	CLEANUP(text_done) struct text deep = { 0 };
	struct error err = { 0 };

	CHECK(sample_make(&s, &err) == 0);
	for (unsigned i = 0; i < 130; i++)
		text_add(&deep, i ? "/d" : "d");
	CHECK(dir_make(s.fd, deep.data, 0755, &err) == 0);
	CHECK(strstr(populate_error(s.path, out), "directories are nested more than 128 deep"));
}
