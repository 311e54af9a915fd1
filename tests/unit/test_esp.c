/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "builder/disk/esp.h"
#include "lib/hash.h"
#include "lib/process.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

#define CORE "/boot/grub/x86_64-efi/core.efi"

/* FAT32 has at least 65525 clusters, here of one sector. */
static struct disk_plan fat_plan(void)
{
	struct disk_plan plan = maker_plan();

	plan.partition[DISK_ESP].size = 36 * MAKER_MIB;
	plan.partition[DISK_ROOT].start = 38 * MAKER_MIB;
	plan.esp_serial = 0x1234abcd;
	plan.size = 70 * MAKER_MIB;
	return plan;
}

static bool have_tools(void)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return process_exists("mkfs.vfat") && process_exists("mcopy") && process_exists("mdir");
}

/* An ESP of the tree at root in a new disk; -1 and a message when it cannot be made. */
static int make_esp(const char *root, int64_t epoch)
{
	CLEANUP(close_p) int rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct disk_plan plan = fat_plan();
	int fd = memfd_create("disk", MFD_CLOEXEC);
	struct error err = { 0 };

	if (ftruncate(fd, (off_t)plan.size) == 0 && esp_write(&plan, rootfd, fd, epoch, &err) == 0)
		return fd;
	printf("# %s\n", err.text);
	close(fd);
	return -1;
}

static int list(int fd, struct text *ret, struct error *err)
{
	CLEANUP(free_p)
	char *image = xasprintf("/proc/%d/fd/%d@@%llu", getpid(), fd,
				(unsigned long long)fat_plan().partition[DISK_ESP].start);
	char *argv[] = { "mdir", "-b", "-/", "-i", image, "::", NULL };

	return process_run(&(struct process){ .argv = argv, .output = ret }, err);
}

TEST(esp_write_without_signed_grub)
{
	if (!have_tools())
		SKIP("needs mtools and dosfstools");
	FAKE_ROOT();
	CLEANUP(text_done) struct text files = { 0 };
	char one[SHA256_HEX], two[SHA256_HEX];

	fake_put(path, CORE, "grub");
	CLEANUP(close_p) int a = make_esp(path, MAKER_EPOCH), b = make_esp(path, MAKER_EPOCH);
	CHECK(a >= 0 && b >= 0 && list(a, &files, &err) == 0);
	CHECK(strstr(files.data, "::/EFI/BOOT/BOOTX64.EFI\n") && strstr(files.data, "::/EFI/debian/grubx64.efi\n") &&
	      strstr(files.data, "::/EFI/debian/grub.cfg\n"));
	CHECK(!strstr(files.data, "mmx64"));
	CHECK(sha256_fd(a, one, &err) == 0 && sha256_fd(b, two, &err) == 0);
	CHECK_STR(one, two);
	FAKE_ROOT_END();
}

TEST(esp_write_with_secure_boot)
{
	static const char *const shim[] = { "shimx64.efi.signed", "mmx64.efi.signed", "fbx64.efi.signed",
					    "BOOTX64.CSV" };
	if (!have_tools())
		SKIP("needs mtools and dosfstools");
	FAKE_ROOT();
	CLEANUP(text_done) struct text files = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(shim); i++) {
		CLEANUP(free_p) char *name = xasprintf("/usr/lib/shim/%s", shim[i]);
		fake_put(path, name, shim[i]);
	}
	fake_put(path, "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub");
	CLEANUP(close_p) int fd = make_esp(path, MAKER_EPOCH);
	CHECK(fd >= 0 && list(fd, &files, &err) == 0);
	CHECK(strstr(files.data, "::/EFI/BOOT/mmx64.efi\n") && strstr(files.data, "::/EFI/debian/BOOTX64.CSV\n") &&
	      strstr(files.data, "::/EFI/debian/shimx64.efi\n"));
	FAKE_ROOT_END();
}

TEST(esp_write_names_a_missing_file)
{
	if (!have_tools())
		SKIP("needs mtools and dosfstools");
	FAKE_ROOT();
	CLEANUP(close_p) int rootfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_p) int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_plan plan = fat_plan();

	CHECK(ftruncate(fd, (off_t)plan.size) == 0);
	CHECK(esp_write(&plan, rootfd, fd, MAKER_EPOCH, &err) < 0 && strstr(err.text, "ESP: " CORE " in the tree"));
	FAKE_ROOT_END();
}
