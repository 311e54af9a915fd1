/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/inspect/: what inspect prints of a tarball and of a disk, as text and as JSON. UPDATE_GOLDEN=1 writes them. */
#include "builder/image/inspect.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"
#include "tests/unit/refused.h"

#define FOLDER "tests/golden/inspect/"
#define STATUS                                                                                                         \
	"Package: systemd\nStatus: install ok installed\nVersion: 252.39-1\nArchitecture: amd64\n\n"                   \
	"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n"                          \
	"Package: tzdata\nStatus: install ok installed\nVersion: 2024a-1\nArchitecture: all\n\n"                       \
	"Package: kubelet\nStatus: hold ok installed\nVersion: 1.20.2-00\nArchitecture: amd64\n"
#define OS_RELEASE "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nPRETTY_NAME=second\n"
#define ABOUT                                                                                                          \
	"{\"name\": \"node\", \"artifact\": \"lxc\", \"builder\": \"nodekiln 0.1.0\", \"runtime\": \"containerd\", "   \
	"\"warning\": \"end of life\", \"kubernetes\": {\"source\": \"debian\", \"version\": \"1.20.2\"}}"

/* The size of the file depends on the compression library: it is not compared. */
static int print(const char *image, const char *name, struct text *ret_text, struct text *ret_json, struct error *err)
{
	CLEANUP(inspection_done) struct inspection i = { 0 };

	if (inspect_open(image, &i, err) < 0 || inspect_load(&i, err) < 0)
		return -1;
	i.path = name;
	i.file_size = 12345678;
	inspection_print(&i, ret_text);
	CLEANUP(json_free_p) struct json *json = inspection_json(&i);
	json_print(json, true, ret_json);
	return 0;
}

TEST(inspect_tarball_is_golden)
{
	static const struct member members[] = {
		MEMBER_DIRECTORY("./"),
		MEMBER_FILE("./etc/nodekiln/image.json", ABOUT),
		MEMBER_FILE("./etc/os-release", OS_RELEASE),
		MEMBER_FILE("./var/lib/dpkg/status", STATUS),
	};
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	char path[] = "/tmp/test_inspect.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	struct error err = { 0 };

	CHECK(maker_tarball(path, members, ARRAY_SIZE(members), &err) == 0);
	CHECK(print(path, "node.tar.zst", &text, &json, &err) == 0);
	unlink(path);
	CHECK(is_golden(FOLDER "tarball.txt", text.data) && is_golden(FOLDER "tarball.json", json.data));
}

/* Of an image that was made by other tools: no image.json, and Kubernetes' version is its package's. */
TEST(inspect_disk_is_golden)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	struct disk_plan plan = maker_plan();

	fake_put(path, "/boot/vmlinuz-6.1.0-9-amd64", "kernel");
	fake_put(path, "/boot/vmlinuz-6.1.0-10-amd64", "kernel");
	fake_put(path, "/usr/lib/os-release", OS_RELEASE);
	fake_put(path, "/var/lib/dpkg/status", STATUS);
	CLEANUP(free_p) char *etc = xasprintf("%s/etc", path), *link = xasprintf("%s/etc/os-release", path);
	CHECK(mkdir(etc, 0755) == 0 && symlink("../usr/lib/os-release", link) == 0);
	CHECK(maker_disk(&plan, path, fd, &err) == 0 && print(raw, "node.raw", &text, &json, &err) == 0);
	unlink(raw);
	CHECK(is_golden(FOLDER "disk.txt", text.data) && is_golden(FOLDER "disk.json", json.data));
	FAKE_ROOT_END();
}

TEST(inspect_refuses_broken_metadata)
{
	static const struct member members[] = { MEMBER_FILE("./etc/nodekiln/image.json", "{") };
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	char path[] = "/tmp/test_inspect.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	struct error err = { 0 };

	CHECK(maker_tarball(path, members, 1, &err) == 0);
	CHECK(print(path, "node.tar.zst", &text, &json, &err) < 0 && strstr(err.text, "/etc/nodekiln/image.json"));
	unlink(path);
	CHECK(print(path, "node.tar.zst", &text, &json, &err) < 0 && strstr(err.text, "No such file"));
}

static int put_program(const char *root, const char *name, const char *path, struct error *err)
{
	CLEANUP(free_p) char *from = xasprintf("tests/fuzz/corpus/go_buildinfo/%s", name);
	CLEANUP(free_p) char *to = xasprintf("%s%s", root, path);
	CLEANUP(free_p) char *directory = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	CLEANUP(text_done) struct text program = { 0 };

	if (dir_make(AT_FDCWD, directory, 0755, err) < 0 || file_read(AT_FDCWD, from, 1 << 20, &program, err) < 0)
		return -1;
	return file_write(AT_FDCWD, to, program.data, program.len, 0755, err);
}

/* Programs without a package: in the guest, twice in layers of preloaded images, and one that a package has. */
TEST(inspect_programs_is_golden)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	struct disk_plan plan = maker_plan();

	CHECK(put_program(path, "kubelet", "/usr/bin/kubelet", &err) == 0);
	CHECK(put_program(path, "bridge", "/usr/lib/cni/bridge", &err) == 0);
	CHECK(put_program(path, "plain", "/usr/sbin/plain", &err) == 0);
	CHECK(put_program(path, "etcd", "/var/lib/containerd/snapshots/1/fs/usr/local/bin/etcd", &err) == 0);
	CHECK(put_program(path, "etcd", "/var/lib/containerd/snapshots/2/fs/usr/local/bin/etcd", &err) == 0);
	fake_put(path, "/var/lib/dpkg/info/cni:amd64.list", "/.\n/lib/cni\n/lib/cni/bridge\n");
	fake_put(path, "/var/lib/dpkg/info/other.list", "/usr/bin/kubelet-not\n/usr/bin\n");
	CHECK(maker_disk(&plan, path, fd, &err) == 0 && print(raw, "node.raw", &text, &json, &err) == 0);
	unlink(raw);
	CHECK(is_golden(FOLDER "programs.txt", text.data) && is_golden(FOLDER "programs.json", json.data));
	FAKE_ROOT_END();
}

#define BROKEN "Go's build information is broken: a text is longer than the section, or than the limit"

/* A program whose build information has a length beyond the limit: the rest of the image is shown. */
TEST(inspect_programs_broken)
{
	CLEANUP(text_done) struct text program = { 0 }, text = { 0 }, json = { 0 };
	FAKE_ROOT();
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", path);
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(free_p) char *file = xasprintf("%s/bridge", path);
	struct disk_plan plan = maker_plan();

	CHECK(file_read(AT_FDCWD, "tests/fuzz/corpus/go_buildinfo/bridge", 1 << 20, &program, &err) == 0);
	char *version = memmem(program.data, program.len, "\x08go1.26.8", 9);
	CHECK(version);
	memset(version + 9, 0xff, 8);
	CHECK(file_write(AT_FDCWD, file, program.data, program.len, 0755, &err) == 0);
	CHECK(maker_disk(&plan, path, fd, &err) == 0 && print(raw, "node.raw", &text, &json, &err) == 0);
	unlink(raw);
	CHECK(strstr(text.data, " /bridge: " BROKEN "\n") && strstr(json.data, "\"fault\": \"" BROKEN "\""));
	FAKE_ROOT_END();
}
