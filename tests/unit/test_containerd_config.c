/* SPDX-License-Identifier: Apache-2.0 */
/* The image's own configurations, in a fake root, as the runtime finds them. */
#include <unistd.h>

#include "agent/containerd_config.h"
#include "lib/file.h"
#include "tests/unit/check.h"

static const struct {
	const char *from, *to, *overlays, *copies;
} files[] = {
	{ "rootfs-overlays/containerd-lxc/etc/containerd/config.toml", "etc/containerd/config.toml",
	  "\n    snapshotter = \"overlayfs\"\n", "\n    snapshotter = \"native\"\n" },
	{ "rootfs-overlays/docker/etc/docker/daemon.json", "etc/docker/daemon.json",
	  "\n  \"storage-driver\": \"overlay2\",\n", "\n  \"storage-driver\": \"vfs\",\n" },
};

static bool says(int rootfd, const char *file, const char *piece)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_read_in(rootfd, file, 1 << 20, &text, &err) == 0 && text.data && strstr(text.data, piece);
}

/* What the machine makes of each file. */
static void try(const struct facts *m, bool want_copies)
{
	char root[] = "/tmp/test_adapt.XXXXXX";
	struct error err = { 0 };

	CHECK(mkdtemp(root));
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, root, &err);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		CHECK(file_read(AT_FDCWD, files[i].from, 1 << 20, &text, &err) == 0);
		CHECK(file_write_in(fd, files[i].to, text.data, text.len, 0644, &err) == 0);
	}
	for (int again = 0; again < 2; again++)
		CHECK(containerd_config_adapt(root, m, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CHECK(says(fd, files[i].to, files[i].copies) == want_copies);
		CHECK(says(fd, files[i].to, files[i].overlays) == !want_copies);
	}
	CHECK(tree_remove(AT_FDCWD, root, &err) == 0);
}

TEST(containerd_config_copies_layers_only_without_overlays)
{
	try(&(struct facts){ .container = "lxc", .mounts = true }, true);
	try(&(struct facts){ .container = "lxc", .mounts = true, .overlays = true }, false);
	try(&(struct facts){ .container = "lxc" }, false); /* without nesting nothing works */
	try(&(struct facts){ 0 }, false);
}

TEST(containerd_config_leaves_a_root_without_runtime)
{
	char root[] = "/tmp/test_adapt.XXXXXX";
	struct error err = { 0 };

	CHECK(mkdtemp(root));
	CHECK(containerd_config_adapt(root, &(struct facts){ .container = "lxc", .mounts = true }, &err) == 0);
	CHECK(rmdir(root) == 0);
}
