/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/image/image_index.h"
#include "builder/image/image_reader.h"
#include "lib/file.h"
#include "tests/unit/image_maker.h"

static void add(struct image_index *index, const char *path, mode_t mode, const char *link)
{
	struct image_node node = { .entry = {
					   .path = xstrdup(path), .mode = mode, .link = link ? xstrdup(link) : NULL } };
	struct error err = { 0 };

	if (image_index_add(index, node, &err) < 0)
		abort();
}

static struct image_index sample_index(void)
{
	struct image_index index = { 0 };

	add(&index, "/usr/lib/os-release", S_IFREG | 0644, NULL);
	add(&index, "/", S_IFDIR | 0755, NULL);
	add(&index, "/usr", S_IFDIR | 0755, NULL);
	add(&index, "/usr/lib", S_IFDIR | 0755, NULL);
	add(&index, "/lib", S_IFLNK | 0777, "usr/lib");
	add(&index, "/etc", S_IFDIR | 0755, NULL);
	add(&index, "/etc/os-release", S_IFLNK | 0777, "../usr/lib/os-release");
	add(&index, "/etc/absolute", S_IFLNK | 0777, "/lib/os-release");
	add(&index, "/etc/outside", S_IFLNK | 0777, "../../../../usr/lib/os-release");
	add(&index, "/etc/loop", S_IFLNK | 0777, "loop");
	add(&index, "/etc/nothing", S_IFLNK | 0777, "gone");
	image_index_sort(&index);
	return index;
}

static const char *resolve(const char *path, bool follow)
{
	static char answer[128];
	struct image_index index = sample_index();
	const struct image_node *node = image_index_resolve(&index, path, follow);

	snprintf(answer, sizeof answer, "%s", node ? node->entry.path : "nothing");
	image_index_done(&index);
	return answer;
}

TEST(image_index_resolves_as_the_guest)
{
	CHECK_STR(resolve("/", true), "/");
	CHECK_STR(resolve("/usr/lib/os-release", true), "/usr/lib/os-release");
	CHECK_STR(resolve("/lib/os-release", false), "/usr/lib/os-release");
	CHECK_STR(resolve("/etc/os-release", true), "/usr/lib/os-release");
	CHECK_STR(resolve("/etc/absolute", true), "/usr/lib/os-release");
	CHECK_STR(resolve("/etc/outside", true), "/usr/lib/os-release");
	CHECK_STR(resolve("//etc/./../etc/os-release", true), "/usr/lib/os-release");
	CHECK_STR(resolve("/lib/", true), "/usr/lib");
}

TEST(image_index_last_link)
{
	CHECK_STR(resolve("/etc/os-release", false), "/etc/os-release");
	CHECK_STR(resolve("/lib", false), "/lib");
	CHECK_STR(resolve("/etc/nothing", false), "/etc/nothing");
}

TEST(image_index_loops_and_gaps)
{
	CHECK_STR(resolve("/etc/loop", true), "nothing");
	CHECK_STR(resolve("/etc/loop/x", false), "nothing");
	CHECK_STR(resolve("/etc/nothing", true), "nothing");
	CHECK_STR(resolve("/gone/x", true), "nothing");
}

#define LONG_VALUE "0123456789012345678901234567890123456789012345678901234567890123456789"

/* Writes a tar archive and opens it as an image. */
static int open_members(const struct member *m, size_t n, struct image **ret, struct error *err)
{
	char path[] = "/tmp/test_image.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	int rc = maker_tarball(path, m, n, err);

	if (rc == 0)
		rc = image_of(path, ret, err);
	unlink(path);
	return rc;
}

TEST(image_tar_is_an_image)
{
	static const struct member members[] = {
		{ .path = "./", .mode = S_IFDIR | 0755 },
		{ .path = "./etc/", .mode = S_IFDIR | 0755 },
		{ .path = "./etc/a",
		  .content = "first",
		  .mode = S_IFREG | 0600,
		  .xattr = { { "user.z", LONG_VALUE, sizeof LONG_VALUE - 1 }, { "user.a", "\x01\xfe", 2 } } },
		{ .path = "./etc/b", .original = "./etc/a", .mode = S_IFREG | 0600 },
		{ .path = "./etc/c", .target = "b", .mode = S_IFLNK | 0777 },
		{ .path = "./etc/d", .original = "./etc/c", .mode = S_IFREG | 0777 },
		{ .path = "./etc/node", .content = "old", .mode = S_IFREG | 0644 },
		{ .path = "./etc/node", .content = "newer", .mode = S_IFREG | 0644 },
	};
	CLEANUP(image_close_p) struct image *image = NULL;
	CLEANUP(text_done) struct text b = { 0 }, c = { 0 }, node = { 0 }, part = { 0 };
	const struct image_entry *entry;
	struct error err = { 0 };

	CHECK(open_members(members, ARRAY_SIZE(members), &image, &err) == 0);
	CHECK(image_kind(image) == IMAGE_TARBALL && image_virtual_size(image) == 0);
	CHECK(image_stat(image, "/etc/b", &entry, &err) == 1 && entry->size == 5 && entry->mode == (S_IFREG | 0600));
	/* Both names of a file have its attributes; sorted by name, and a long one by its digest. */
	CHECK(text_starts(entry->attributes, "user.a=01fe user.z=sha256:") && strlen(entry->attributes) == 90);
	CHECK(image_stat(image, "/etc/node", &entry, &err) == 1 && !entry->attributes);
	CHECK(image_stat(image, "/etc/c", &entry, &err) == 1 && strcmp(entry->link, "b") == 0);
	/* A hard link to a symlink is the same symlink. */
	CHECK(image_stat(image, "/etc/d", &entry, &err) == 1 && S_ISLNK(entry->mode) && strcmp(entry->link, "b") == 0);
	CHECK(image_stat(image, "/etc/e", &entry, &err) == 0);
	CHECK(image_read(image, "/etc/b", 100, &b, &err) == 0 && image_read(image, "/etc/c", 100, &c, &err) == 0);
	CHECK_STR(b.data, "first");
	CHECK_STR(c.data, "first");
	CHECK(image_read(image, "/etc/node", 100, &node, &err) == 0);
	CHECK_STR(node.data, "newer"); /* a later member replaces the earlier */
	CHECK(image_stat(image, "/etc/node", &entry, &err) == 1 &&
	      image_read_part(image, entry, 2, 2, &part, &err) == 0);
	CHECK(image_read_part(image, entry, 3, 100, &part, &err) == 0 &&
	      image_read_part(image, entry, 99, 1, &part, &err) == 0);
	CHECK_STR(part.data, "weer");
	CHECK(image_read(image, "/etc/node", 4, &node, &err) < 0 && strstr(err.text, "larger"));
	CHECK(image_read(image, "/etc", 4, &node, &err) < 0 && strstr(err.text, "not a regular file"));
}

TEST(image_tar_refuses_hostile_members)
{
	static const struct member outside[] = {
		{ .path = "./../etc/passwd", .content = "x", .mode = S_IFREG | 0644 }
	};
	static const struct member dangling[] = { { .path = "./a", .original = "./b", .mode = S_IFREG | 0644 } };
	static const struct member escaping[] = { { .path = "./a", .original = "../b", .mode = S_IFREG | 0644 } };
	CLEANUP(image_close_p) struct image *image = NULL;
	struct error err = { 0 };

	CHECK(open_members(outside, 1, &image, &err) < 0);
	CHECK(strstr(err.text, "leads out of the tree"));
	CHECK(open_members(dangling, 1, &image, &err) < 0);
	CHECK(strstr(err.text, "not in the archive"));
	CHECK(open_members(escaping, 1, &image, &err) < 0);
	CHECK(strstr(err.text, "the hard link ./a leads out of the tree"));
	CHECK(open_members(NULL, 0, &image, &err) < 0);
	CHECK(strstr(err.text, "the archive is empty") || strstr(err.text, "neither a disk nor a tar archive"));
}

TEST(image_open_refuses_other_files)
{
	CLEANUP(image_close_p) struct image *image = NULL;
	struct error err = { 0 };

	CHECK(image_of("/proc/self/cmdline", &image, &err) < 0);
	CHECK(strstr(err.text, "/proc/self/cmdline: this is neither a disk nor a tar archive"));
	CHECK(image_of("/nonexistent", &image, &err) < 0);
	CHECK(strstr(err.text, "open /nonexistent"));
}
