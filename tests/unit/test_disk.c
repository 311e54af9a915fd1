/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/disk/disk.h"
#include "builder/disk/ext4.h"
#include "builder/disk/ext4_dir.h"
#include "builder/disk/gpt.h"
#include "builder/image/partition.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/process.h"
#include "tests/unit/check.h"

#define MIB (1ull << 20)
#define EPOCH 1700000000

static struct recipe recipe_of(unsigned long long size)
{
	struct recipe recipe = { .architecture = "amd64" };

	recipe.disk.size = size;
	recipe.disk.filesystem = "ext4";
	recipe.disk.bios = recipe.disk.uefi = true;
	return recipe;
}

static const char *refused(const struct recipe *recipe)
{
	static struct error err;
	struct disk_plan plan;

	err = (struct error){ 0 };
	if (disk_plan(recipe, "seed", &plan, &err) == 0)
		return "accepted";
	return err.class == ERROR_INPUT ? err.text : "of the wrong class";
}

TEST(partitions_follow_each_other_and_leave_the_backup_table_its_place)
{
	struct recipe recipe = recipe_of(10240 * MIB);
	struct error err = { 0 };
	struct disk_plan plan;
	uint64_t end = MIB;

	CHECK(disk_plan(&recipe, "seed", &plan, &err) == 0);
	for (size_t i = 0; i < DISK_PARTITIONS; i++) {
		CHECK(plan.partition[i].start == end && plan.partition[i].size % MIB == 0);
		end += plan.partition[i].size;
	}
	CHECK(end == plan.size - MIB);
	CHECK(plan.partition[DISK_BIOS].number == 14 && plan.partition[DISK_ESP].number == 15 &&
	      plan.partition[DISK_ROOT].number == 1);
}

static int is_uuid8(const char *uuid)
{
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23 ? uuid[i] != '-' : !isxdigit((unsigned char)uuid[i]))
			return 0;
	}
	return uuid[36] == '\0' && uuid[14] == '8' && strchr("89ab", uuid[19]);
}

TEST(identifiers_come_from_the_seed_alone)
{
	struct recipe small = recipe_of(1024 * MIB), large = recipe_of(2048 * MIB);
	struct disk_plan a, b, c;
	struct error err = { 0 };

	CHECK(disk_plan(&small, "seed", &a, &err) == 0 && disk_plan(&large, "seed", &b, &err) == 0 &&
	      disk_plan(&small, "other", &c, &err) == 0);
	CHECK(is_uuid8(a.uuid) && is_uuid8(a.root_uuid) && is_uuid8(a.hash_seed) &&
	      is_uuid8(a.partition[DISK_ESP].uuid));
	CHECK_STR(a.root_uuid, b.root_uuid);
	CHECK(strcmp(a.root_uuid, c.root_uuid) != 0 && a.esp_serial != c.esp_serial);
	CHECK(strcmp(a.uuid, a.root_uuid) != 0 && strcmp(a.partition[DISK_BIOS].uuid, a.partition[DISK_ESP].uuid) != 0);
}

TEST(impossible_disks_are_refused)
{
	struct recipe recipe = recipe_of(10 * MIB);

	CHECK(strstr(refused(&recipe), "disk.size 10 MiB"));
	recipe = recipe_of(1024 * MIB + 512);
	CHECK(strstr(refused(&recipe), "multiple of 1 MiB"));
	recipe = recipe_of(1024 * MIB);
	recipe.architecture = "riscv64";
	CHECK(strstr(refused(&recipe), "riscv64"));
	recipe = recipe_of(1024 * MIB);
	recipe.disk.filesystem = "xfs";
	CHECK(strstr(refused(&recipe), "use ext4"));
	recipe = recipe_of(1024 * MIB);
	recipe.disk.bios = recipe.disk.uefi = false;
	CHECK(strstr(refused(&recipe), "nothing can boot it"));
}

TEST(libblkid_reads_the_table_that_libfdisk_wrote)
{
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	CLEANUP(partitions_done) struct partitions found = { 0 };
	struct recipe recipe = recipe_of(1024 * MIB);
	struct error err = { 0 };
	struct disk_plan plan;

	CHECK(disk_plan(&recipe, "seed", &plan, &err) == 0 && ftruncate(fd, (off_t)plan.size) == 0);
	CHECK(gpt_write(&plan, fd, &err) == 0);
	CHECK(partitions_read(fd, &found, &err) == 0);
	CHECK(found.n == DISK_PARTITIONS);
	for (size_t i = 0; i < found.n; i++) {
		CHECK(found.at[i].number == plan.partition[i].number && found.at[i].start == plan.partition[i].start &&
		      found.at[i].size == plan.partition[i].size);
		CHECK_STR(found.at[i].uuid, plan.partition[i].uuid);
		CHECK_STR(found.at[i].name, plan.partition[i].name);
		CHECK(strcasecmp(found.at[i].type, plan.partition[i].type) == 0);
	}
}

TEST(directory_entries_never_cross_a_block)
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

/* A tree with one of each: built in a directory of its own, removed at the end. */
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
	for (unsigned i = 0; i < 300; i++) {
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
	strcpy(s->path, "/tmp/test_disk.XXXXXX");
	s->fd = mkdtemp(s->path) ? open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (s->fd < 0 || fchmod(s->fd, 0755) < 0)
		return error_errno(err, errno, "make the sample");
	return sample_files(s->fd, err) < 0 ? -1 : sample_others(s->fd, err);
}

static int sample_write(const struct sample *s, int fd, uint64_t size, struct error *err)
{
	const struct ext4_make make = { .fd = fd,
					.offset = 0,
					.size = size,
					.uuid = "01234567-89ab-8def-8123-456789abcdef",
					.hash_seed = "01234567-89ab-8def-8123-456789abcdee",
					.epoch = EPOCH };

	return ftruncate(fd, (off_t)size) < 0 ? -1 : ext4_write(&make, s->path, err);
}

TEST(e2fsck_finds_nothing_wrong_with_a_filled_file_system)
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

TEST(equal_trees_give_equal_bytes)
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

TEST(a_tree_that_does_not_fit_says_both_sizes)
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

TEST(what_was_filled_in_can_be_read)
{
	CLEANUP(sample_done) struct sample s = { .fd = -1 };
	CLEANUP(close_p) int fd = memfd_create("ext4", MFD_CLOEXEC);
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;
	CLEANUP(text_done) struct text hard = { 0 }, sparse = { 0 }, link = { 0 };
	uint32_t numbers[3] = { 0 };
	struct error err = { 0 };
	struct ext4_inode inode;

	CHECK(sample_make(&s, &err) == 0 && sample_write(&s, fd, 64 * MIB, &err) == 0);
	CHECK(ext4_open(fd, 0, false, &fs, &err) == 0);
	CHECK(ext4_list(fs, EXT4_ROOT, find_entry, numbers, &err) == 0);
	CHECK(ext4_stat(fs, numbers[0], &inode, &err) == 0);
	CHECK(inode.links == 2 && inode.mtime == EPOCH - 10 && inode.mode == (S_IFREG | 0644));
	CHECK(ext4_read(fs, numbers[0], 100, &hard, &err) == 0 && ext4_read(fs, numbers[2], 200, &link, &err) == 0);
	CHECK_STR(hard.data, "node\n");
	CHECK_STR(link.data, LONG_TARGET);
	CHECK(ext4_read(fs, numbers[1], 100, &sparse, &err) < 0); /* the limit */
	CHECK(ext4_read(fs, numbers[1], 10 << 20, &sparse, &err) == 0);
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

/* Of a preloaded image's layer: a directory that hides the ones below it. Only root may set these attributes. */
TEST(what_overlayfs_hides_stays_hidden)
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
