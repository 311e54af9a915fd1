/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's store after a preload, made by hand, and `ctr` as a script. */
#include <sys/xattr.h>

#include "builder/oci/bbolt.h"
#include "builder/oci/container_images_engine.h"
#include "tests/unit/fake_root.h"

#define META "/io.containerd.metadata.v1.bolt/meta.db"
#define SNAPSHOTTER "/io.containerd.snapshotter.v1.overlayfs"
#define DATABASE SNAPSHOTTER "/metadata.db"
#define LAYER SNAPSHOTTER "/snapshots/300"
#define GO_TIME "\x01\x00\x00\x00\x0e\xdd\x11\x22\x33\x00\x00\x00\x01\xff\xff"
#define GO_TIME_1970 "\x01\x00\x00\x00\x0e\x77\x91\xf7\x00\x00\x00\x00\x00\xff\xff"

static void put(struct bbolt_bucket *bucket, const char *key, const void *value, size_t len)
{
	struct bbolt_item item = { 0 };

	text_add(&item.key, key);
	text_addn(&item.value, value, len);
	vec_push(&bucket->items, item);
}

static struct bbolt_bucket *put_bucket(struct bbolt_bucket *bucket, const char *key)
{
	struct bbolt_item item = { .bucket = xcalloc(1, sizeof *item.bucket) };

	text_add(&item.key, key);
	vec_push(&bucket->items, item);
	return item.bucket;
}

/* Both databases, with the dates of a clock; the size of snapshot 300 as the build's file system measured it. */
static void make_store(const char *root)
{
	CLEANUP(bbolt_done) struct bbolt_bucket meta = { 0 }, snapshotter = { 0 };
	CLEANUP(text_done) struct text meta_file = { 0 }, snapshotter_file = { 0 };
	struct bbolt_bucket *image = put_bucket(put_bucket(&meta, "v1"), "image");
	struct bbolt_bucket *layer = put_bucket(put_bucket(put_bucket(&snapshotter, "v1"), "snapshots"), "sha256:abc");

	put(image, "createdat", GO_TIME, 15);
	put(image, "name", "pause", 5);
	put(image, "updatedat", "short", 5); /* not a date */
	put(layer, "createdat", GO_TIME, 15);
	put(layer, "id", "\xac\x02", 2); /* 300 */
	put(layer, "size", "\x80\x80\x01", 3);
	bbolt_write(&meta, &meta_file);
	bbolt_write(&snapshotter, &snapshotter_file);
	fake_putn(root, META, meta_file.data, meta_file.len);
	fake_putn(root, DATABASE, snapshotter_file.data, snapshotter_file.len);
	fake_put(root, LAYER "/fs/a", "0123456789");
	fake_put(root, LAYER "/fs/b/c", "0123456789");
	fake_put(root, LAYER "/work/work/left", "by the kernel");
}

/* The bucket two levels below v1 in a database of the store; the caller ends *root. */
static struct bbolt_bucket *read_record(const char *store, const char *file, struct bbolt_bucket *root)
{
	CLEANUP(free_p) char *path = xasprintf("%s%s", store, file);
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, path, 1 << 20, &text, &err) < 0 || bbolt_read(text.data, text.len, root, &err) < 0)
		return NULL;
	struct bbolt_item *first = bbolt_find(root, "v1");
	first = first ? &first->bucket->items.at[0] : NULL;
	return first ? first->bucket : NULL;
}

static bool has_value(struct bbolt_bucket *bucket, const char *key, const void *want, size_t len)
{
	const struct bbolt_item *item = bucket ? bbolt_find(bucket, key) : NULL;

	return item && item->value.len == len && memcmp(item->value.data, want, len) == 0;
}

TEST(container_images_containerd_undate_dates_and_sizes)
{
	FAKE_ROOT();
	CLEANUP(bbolt_done) struct bbolt_bucket meta = { 0 }, snapshotter = { 0 };
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	make_store(path);
	CHECK(container_images_containerd_undate(fd, &err) == 0);
	struct bbolt_bucket *image = read_record(path, META, &meta);
	CHECK(has_value(image, "createdat", GO_TIME_1970, 15) && has_value(image, "name", "pause", 5) &&
	      has_value(image, "updatedat", "short", 5));
	struct bbolt_bucket *snapshots = read_record(path, DATABASE, &snapshotter);
	CHECK(snapshots && snapshots->items.n == 1);
	struct bbolt_bucket *layer = snapshots->items.at[0].bucket;
	CHECK(has_value(layer, "createdat", GO_TIME_1970, 15) && has_value(layer, "id", "\xac\x02", 2));
	CHECK(has_value(layer, "size", "\x28", 1)); /* 20 bytes; a signed varint has the sign in its lowest bit */
	CHECK(fake_has(path, LAYER "/fs/b/c") && !fake_has(path, LAYER "/work/work"));
	FAKE_ROOT_END();
}

TEST(container_images_containerd_undate_overlay_attributes)
{
	FAKE_ROOT();
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(free_p) char *file = xasprintf("%s" LAYER "/fs/a", path);
	char value[8];

	make_store(path);
	if (setxattr(file, "user.overlay.origin", "inode", 5, 0) < 0)
		SKIP("needs user attributes in /tmp");
	CHECK(setxattr(file, "user.mine", "1", 1, 0) == 0);
	CHECK(container_images_containerd_undate(fd, &err) == 0);
	CHECK(getxattr(file, "user.overlay.origin", value, sizeof value) < 0);
	CHECK(getxattr(file, "user.mine", value, sizeof value) == 1);
	CHECK(setxattr(file, "user.overlay.opaque", "y", 1, 0) == 0);
	CHECK(container_images_containerd_undate(fd, &err) < 0 && err.class == ERROR_HOST);
	CHECK(strstr(err.text, "only root can preload such an image"));
	FAKE_ROOT_END();
}

TEST(container_images_containerd_undate_names_the_broken_part)
{
	FAKE_ROOT();
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(container_images_containerd_undate(fd, &err) < 0 && strstr(err.text, "walk the snapshots"));
	make_store(path);
	fake_put(path, META, "not a database");
	CHECK(container_images_containerd_undate(fd, &err) < 0);
	CHECK(strstr(err.text, "io.containerd.metadata.v1.bolt/meta.db: "));
	FAKE_ROOT_END();
}

#define CTR                                                                                                            \
	"echo \"$@\" >>$root/calls\n"                                                                                  \
	"case $* in *--version) echo ctr github.com/containerd/containerd 1.6.20~ds1;;"                                \
	"*--quiet) echo registry/pause:3.10; echo registry/etcd:3.5;; *broken*) exit 1;; esac"

/* Every image is labelled for the CRI plugin, and the pause image pinned; then the layers' blobs are dropped. */
TEST(container_images_containerd_import_and_finish)
{
	FAKE_ROOT();
	const char *global = "--address /run/nodekiln-containerd.sock --namespace k8s.io ";

	fake_program(path, "ctr", CTR);
	CHECK(container_images_containerd.import("/tmp/0.tar", &err) == 0);
	CHECK(container_images_containerd.finish(&err) == 0);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CLEANUP(free_p)
	char *want = xasprintf("%s--version\n%simages import --snapshotter overlayfs /tmp/0.tar\n"
			       "%simages list --quiet\n"
			       "%simages label registry/pause:3.10 io.cri-containerd.image=managed "
			       "io.cri-containerd.pinned=pinned\n"
			       "%simages label registry/etcd:3.5 io.cri-containerd.image=managed\n"
			       "%scontent prune references\n",
			       global, global, global, global, global, global);
	CHECK_STR(calls, want);
	CHECK(container_images_containerd.import("/tmp/broken.tar", &err) < 0 && err.class == ERROR_COMMAND);
	FAKE_ROOT_END();
}

/* containerd 2 would unpack the images of an archive in an order of chance. What ctr's help says does not count. */
TEST(container_images_containerd_import_keeps_the_order)
{
	static const struct {
		const char *version; /* what ctr --version prints */
		bool local;
	} cases[] = {
		{ "ctr github.com/containerd/containerd 1.6.20~ds1", false },
		{ "ctr containerd.io 1.7.28", false },
		{ "ctr github.com/containerd/containerd/v2 v2.3.4", true },
		{ "ctr github.com/containerd/containerd/v2 2.4.0-beta+unknown", true },
		{ "ctr github.com/containerd/containerd/v2 10.0.0", true },
	};
	FAKE_ROOT();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p)
		char *program = xasprintf("case $* in *--help) echo --local;; *--version) echo %s;; *) echo \"$@\" "
					  ">$root/calls;; esac",
					  cases[i].version);
		fake_program(path, "ctr", program);
		CHECK(container_images_containerd.import("/tmp/0.tar", &err) == 0);
		CLEANUP(free_p) char *calls = fake_get(path, "/calls");
		CHECK(!strstr(calls, " --local ") == !cases[i].local);
	}
	FAKE_ROOT_END();
}

TEST(container_images_containerd_import_needs_a_version)
{
	static const char *const printed[] = { "", "ctr", "ctr unknown", "ctr github.com/containerd/containerd/v2 ",
					       "ctr x 2" };
	FAKE_ROOT();

	for (size_t i = 0; i < ARRAY_SIZE(printed); i++) {
		CLEANUP(free_p) char *program = xasprintf("echo '%s'", printed[i]);
		fake_program(path, "ctr", program);
		err = (struct error){ 0 };
		CHECK(container_images_containerd.import("/tmp/0.tar", &err) < 0 && err.class == ERROR_COMMAND);
		CHECK(strstr(err.text, "which does not end in a version of containerd"));
	}
	FAKE_ROOT_END();
}
