/* SPDX-License-Identifier: Apache-2.0 */
/* containerd dates its records by the clock, and measures a snapshot by the blocks that it occupies in the build's
 * scratch directory, which is on another file system than the guest's. Both are replaced by values derived from the
 * images, and the databases are rewritten. */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/oci/bbolt.h"
#include "builder/oci/container_images_engine.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/text.h"

#define SNAPSHOTTER "io.containerd.snapshotter.v1.overlayfs"
#define GO_TIME_SIZE 15 /* version, seconds since year 1, nanoseconds, offset of the zone: all big-endian */
#define VARINT_MAX 10
#define XATTR_NAMES 65536 /* the kernel's own limit */
#define NFTW_DESCRIPTORS 32

/* 1970-01-01T00:00:00Z as Go's time.MarshalBinary() has it; an offset of -1 is UTC. */
static const unsigned char no_date[GO_TIME_SIZE] = { 1, 0, 0, 0, 0x0e, 0x77, 0x91, 0xf7, 0, 0, 0, 0, 0, 0xff, 0xff };

static void set_value(struct bbolt_item *item, const void *bytes, size_t n)
{
	text_done(&item->value);
	text_addn(&item->value, bytes, n);
}

static void undate(struct bbolt_bucket *bucket)
{
	static const char *const dated[] = { "createdat", "updatedat" };

	for (size_t i = 0; i < ARRAY_SIZE(dated); i++) {
		struct bbolt_item *item = bbolt_find(bucket, dated[i]);
		if (item && !item->bucket && item->value.len == GO_TIME_SIZE)
			set_value(item, no_date, sizeof no_date);
	}
	for (size_t i = 0; i < bucket->items.n; i++)
		if (bucket->items.at[i].bucket)
			undate(bucket->items.at[i].bucket);
}

/* binary.PutUvarint and, for signed ones, PutVarint: least significant seven bits first. */
static bool read_varint(const struct text *value, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < value->len && i < VARINT_MAX; i++) {
		unsigned char byte = (unsigned char)value->data[i];
		*ret |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return i + 1 == value->len;
	}
	return false;
}

static void write_varint(struct bbolt_item *item, uint64_t n)
{
	unsigned char bytes[VARINT_MAX];
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		bytes[len++] = (unsigned char)(n | 0x80);
	bytes[len++] = (unsigned char)n;
	set_value(item, bytes, len);
}

/* In a user namespace containerd unpacks into mounted snapshots, and the kernel keeps its overlay metadata in
 * user.overlay.*. Attributes that refer to inodes of the build's scratch directory are removed; of those that hide
 * what is below, the guest's kernel honours only trusted.overlay.*, which a user may not write. */
static int unmark_one(const char *path, const char *name, struct error *err)
{
	static const char *const hiding[] = { "user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy" };

	for (size_t i = 0; i < ARRAY_SIZE(hiding); i++)
		if (!strcmp(name, hiding[i]))
			return error_set(
				err, ERROR_HOST,
				"an image replaces a whole directory of its layer below (%s), and only root can "
				"preload such an image; build as root, or remove it from images",
				path);
	if (lremovexattr(path, name) < 0)
		return error_errno(err, errno, "remove %s of %s", name, path);
	return 0;
}

static struct error *unmark_error; /* nftw(3) has no context argument */

static int unmark(const char *path, const struct stat *st UNUSED, int type, struct FTW *ftw UNUSED)
{
	char names[XATTR_NAMES];
	ssize_t n = type == FTW_SL ? 0 : llistxattr(path, names, sizeof names);

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		if (text_starts(names + at, "user.overlay.") && unmark_one(path, names + at, unmark_error) < 0)
			return -1;
	if (n < 0 && errno != ENOTSUP)
		return error_errno(unmark_error, errno, "list the attributes of %s", path);
	return 0;
}

static int unmark_all(int storefd, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/self/fd/%d/" SNAPSHOTTER "/snapshots", storefd);

	*err->text = '\0';
	unmark_error = err;
	if (nftw(path, unmark, NFTW_DESCRIPTORS, FTW_PHYS) == 0)
		return 0;
	if (*err->text)
		return -1;
	return error_errno(err, errno, "walk the snapshots");
}

/* A kernel that unpacked into a mounted snapshot, as in a user namespace, leaves its own directory there. */
static int tidy(uint64_t number, int storefd, struct error *err)
{
	CLEANUP(free_p)
	char *path = xasprintf(SNAPSHOTTER "/snapshots/%llu/work/work", (unsigned long long)number);

	return tree_remove(storefd, path, err);
}

/* A snapshot's size: the bytes of its files. */
static int measure(struct bbolt_bucket *snapshot, int storefd, struct error *err)
{
	struct bbolt_item *id = bbolt_find(snapshot, "id"), *size = bbolt_find(snapshot, "size");
	uint64_t number, bytes = 0;

	if (!id || !size || id->bucket || size->bucket || !read_varint(&id->value, &number))
		return 0;
	CLEANUP(free_p) char *path = xasprintf(SNAPSHOTTER "/snapshots/%llu/fs", (unsigned long long)number);
	if (tidy(number, storefd, err) < 0 || tree_size(storefd, path, &bytes, err) < 0)
		return -1;
	write_varint(size, bytes << 1); /* PutVarint stores the sign in the lowest bit */
	return 0;
}

static int measure_all(struct bbolt_bucket *root, int storefd, struct error *err)
{
	struct bbolt_item *version = bbolt_find(root, "v1");
	struct bbolt_item *snapshots = version && version->bucket ? bbolt_find(version->bucket, "snapshots") : NULL;

	for (size_t i = 0; snapshots && snapshots->bucket && i < snapshots->bucket->items.n; i++) {
		struct bbolt_bucket *snapshot = snapshots->bucket->items.at[i].bucket;
		if (snapshot && measure(snapshot, storefd, err) < 0)
			return -1;
	}
	return 0;
}

static int rewrite(int storefd, const char *name, bool sizes, struct error *err)
{
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	CLEANUP(bbolt_done) struct bbolt_bucket root = { 0 };
	struct stat st;

	if (fstatat(storefd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "stat %s", name);
	if (file_read(storefd, name, BBOLT_SIZE_MAX, &before, err) < 0 ||
	    bbolt_read(before.data ? before.data : "", before.len, &root, err) < 0)
		return error_wrap(err, "%s", name);
	undate(&root);
	if (sizes && measure_all(&root, storefd, err) < 0)
		return -1;
	bbolt_write(&root, &after);
	return file_write(storefd, name, after.data, after.len, st.st_mode & 07777, err);
}

int container_images_containerd_undate(int storefd, struct error *err)
{
	if (unmark_all(storefd, err) < 0 || rewrite(storefd, "io.containerd.metadata.v1.bolt/meta.db", false, err) < 0)
		return -1;
	return rewrite(storefd, SNAPSHOTTER "/metadata.db", true, err);
}
