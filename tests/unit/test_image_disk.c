/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/image_reader.h"
#include "lib/hash.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

static int count(void *context, const struct image_entry *e UNUSED, struct error *err UNUSED)
{
	++*(unsigned *)context;
	return 0;
}

/* What both kinds of disks with this tree have to say. */
static const char *check_disk(const char *path)
{
	CLEANUP(image_close_p) struct image *image = NULL;
	CLEANUP(text_done) struct text name = { 0 };
	const struct image_partition *p;
	const struct image_entry *e;
	static struct error err;
	unsigned entries = 0;

	err = (struct error){ 0 };
	if (image_of(path, &image, &err) < 0 || image_read(image, "/link", 100, &name, &err) < 0 ||
	    image_stat(image, "/etc", &e, &err) != 1 || image_walk(image, count, &entries, &err) < 0)
		return err.text;
	if (image_kind(image) != IMAGE_DISK || image_virtual_size(image) != MAKER_DISK)
		return "not the disk";
	if (image_partitions(image, &p) != 3 || strcmp(p[2].filesystem, "ext4") || strcmp(p[2].name, "root"))
		return "not its partitions";
	if (strcmp(name.data, "node\n") || !S_ISDIR(e->mode) || entries != 5) /* and lost+found */
		return "not its tree";
	return "fine";
}

static void make_tree(const char *root)
{
	fake_put(root, "/etc/hostname", "node\n");
	CLEANUP(free_p) char *link = xasprintf("%s/link", root);
	if (symlink("/etc/hostname", link) < 0)
		abort();
}

TEST(image_disk_raw_and_qcow2)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path), *qcow2 = xasprintf("%s.qcow2", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct disk_plan plan = maker_plan();

	make_tree(path);
	CHECK(maker_disk(&plan, path, fd, &err) == 0 && maker_qcow2(fd, qcow2, &err) == 0);
	const char *said = check_disk(raw);
	CHECK_STR(said, "fine");
	said = check_disk(qcow2);
	CHECK_STR(said, "fine");
	unlink(raw);
	unlink(qcow2);
	FAKE_ROOT_END();
}

TEST(image_digest_of_a_partition)
{
	FAKE_ROOT();
	CLEANUP(image_close_p) struct image *image = NULL;
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(free_p) char *bytes = xcalloc(1, MAKER_MIB);
	struct disk_plan plan = maker_plan();
	char got[SHA256_HEX], want[SHA256_HEX];

	make_tree(path);
	CHECK(maker_disk(&plan, path, fd, &err) == 0);
	CHECK(image_of(raw, &image, &err) == 0);
	unlink(raw);
	memcpy(bytes, "boot code", 9);
	sha256_hex(bytes, MAKER_MIB, want);
	CHECK(image_digest(image, MAKER_MIB, MAKER_MIB, got, &err) == 0);
	CHECK_STR(got, want);
	CHECK(image_digest(image, MAKER_DISK - 512, 1024, got, &err) < 0); /* beyond the end */
	FAKE_ROOT_END();
}

TEST(image_disk_without_a_root_is_refused)
{
	CLEANUP(image_close_p) struct image *image = NULL;
	char raw[] = "/tmp/test_image_disk.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(raw);
	struct disk_plan plan = maker_plan();
	struct error err = { 0 };

	CHECK(ftruncate(fd, (off_t)plan.size) == 0 && gpt_write(&plan, fd, &err) == 0);
	CHECK(image_of(raw, &image, &err) < 0 && strstr(err.text, "no partition of this disk has an ext4"));
	unlink(raw);
}
