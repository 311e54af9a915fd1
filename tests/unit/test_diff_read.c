/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/diff.h"
#include "tests/unit/diff_reader.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

/* What diff prints from an empty list to the image: every fact of every entry. */
static int print_all(const char *image, struct text *ret, struct error *err)
{
	CLEANUP(diff_list_done) struct diff_list none = { 0 }, list = { 0 };
	CLEANUP(diff_done) struct diff diff = { 0 };
	bool document;

	if (diff_of(image, &list, &document, err) < 0)
		return -1;
	if (document)
		return error_set(err, ERROR_FAILED, "taken for a document");
	diff_sort(&list);
	diff_compare(&none, &list, &diff);
	diff_print(&diff, ret);
	return 0;
}

TEST(diff_read_tarball_names_every_fact)
{
	static const struct member members[] = {
		{ .path = "./", .mode = S_IFDIR | 0755 },
		{ .path = "./a", .content = "text", .mode = S_IFREG | 04755, .uid = 7 },
		{ .path = "./dev", .mode = S_IFCHR | 0600 },
		{ .path = "./fifo", .mode = S_IFIFO | 0644 },
		{ .path = "./link", .target = "a", .mode = S_IFLNK | 0777 },
		{ .path = "./tagged", .mode = S_IFREG | 0644, .xattr = { { "user.x", "1", 1 } } },
	};
	CLEANUP(text_done) struct text text = { 0 };
	char path[] = "/tmp/test_diff_read.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	struct error err = { 0 };

	CHECK(maker_tarball(path, members, ARRAY_SIZE(members), &err) == 0);
	CHECK(print_all(path, &text, &err) == 0);
	unlink(path);
	CHECK_STR(text.data, "+ /: type directory, mode 0755, owner 0:0, time 2023-11-14T22:13:20Z\n"
			     "+ /a: type file, mode 4755, owner 7:0, time 2023-11-14T22:13:20Z, size 4, content "
			     "982d9e3eb996f559\n"
			     "+ /dev: type character device, mode 0600, owner 0:0, time 2023-11-14T22:13:20Z\n"
			     "+ /fifo: type pipe, mode 0644, owner 0:0, time 2023-11-14T22:13:20Z\n"
			     "+ /link: type link, mode 0777, owner 0:0, time 2023-11-14T22:13:20Z, target a\n"
			     "+ /tagged: type file, mode 0644, owner 0:0, time 2023-11-14T22:13:20Z, attributes "
			     "user.x=31, size 0, content e3b0c44298fc1c14\n");
}

/* The boot code changes only the digest of its partition; the ext4 root is compared by its files. */
TEST(diff_read_disk_sees_a_changed_partition)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, b = { 0 };
	CLEANUP(diff_done) struct diff diff = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct disk_plan plan = maker_plan();
	bool document;

	fake_put(path, "/etc/hostname", "node\n");
	CHECK(maker_disk(&plan, path, fd, &err) == 0 && diff_of(raw, &a, &document, &err) == 0 && !document);
	CHECK(pwrite_all(fd, "more code", 9, MAKER_MIB) == 0 && diff_of(raw, &b, &document, &err) == 0);
	unlink(raw);
	diff_sort(&a);
	diff_sort(&b);
	diff_compare(&a, &b, &diff);
	diff_print(&diff, &text);
	CHECK(text_starts(text.data, "~ partition 14: content "));
	CHECK(strchr(text.data, '\n') == text.data + text.len - 1);
	CHECK(a.entries.n == 3 + 4); /* partitions; /, /etc, its file and lost+found */
	FAKE_ROOT_END();
}
