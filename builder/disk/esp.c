/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/esp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/disk/gpt.h"
#include "builder/disk/grub_code.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/process.h"

#define SHIM "/usr/lib/shim/"
#define SIGNED_GRUB "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
#define MADE_GRUB "/boot/grub/x86_64-efi/core.efi"

struct esp_file {
	const char *source, *target;
};

/* Secure Boot's chain of trust: the firmware verifies shim, shim verifies GRUB, GRUB verifies the kernel. mm is shim's
 * key manager. */
static const struct esp_file signed_files[] = {
	{ SHIM "shimx64.efi.signed", "::EFI/BOOT/BOOTX64.EFI" },
	{ SHIM "mmx64.efi.signed", "::EFI/BOOT/mmx64.efi" },
	{ SIGNED_GRUB, "::EFI/BOOT/grubx64.efi" },
	{ SHIM "shimx64.efi.signed", "::EFI/debian/shimx64.efi" },
	{ SHIM "mmx64.efi.signed", "::EFI/debian/mmx64.efi" },
	{ SHIM "fbx64.efi.signed", "::EFI/debian/fbx64.efi" },
	{ SHIM "BOOTX64.CSV", "::EFI/debian/BOOTX64.CSV" },
	{ SIGNED_GRUB, "::EFI/debian/grubx64.efi" },
	{ NULL, NULL },
};

static const struct esp_file made_files[] = {
	{ MADE_GRUB, "::EFI/BOOT/BOOTX64.EFI" },
	{ MADE_GRUB, "::EFI/debian/grubx64.efi" },
	{ NULL, NULL },
};

/* How mtools find the partition, and the environment that makes their results reproducible. */
struct esp {
	char *image; /* owned; "/proc/PID/fd/N@@OFFSET" */
	char *epoch; /* owned; "SOURCE_DATE_EPOCH=..." */
	char *path;  /* owned; "PATH=..." */
};

static void esp_done(struct esp *esp)
{
	free(esp->image);
	free(esp->epoch);
	free(esp->path);
}

static int run(const struct esp *esp, char *const *argv, struct error *err)
{
	/* FAT stores local times. */
	char *env[] = { esp->path, esp->epoch, "TZ=UTC", "LC_ALL=C", "MTOOLSRC=/dev/null", NULL };

	return process_run(&(struct process){ .argv = argv, .env = env }, err);
}

static int make_empty(const struct disk_plan *plan, const struct esp *esp, int fd, struct error *err)
{
	const struct disk_partition *p = &plan->partition[DISK_ESP];
	CLEANUP(free_p) char *device = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	CLEANUP(free_p) char *offset = xasprintf("%llu", (unsigned long long)(p->start / GPT_SECTOR));
	CLEANUP(free_p) char *blocks = xasprintf("%llu", (unsigned long long)(p->size / 1024));
	CLEANUP(free_p) char *serial = xasprintf("%08x", plan->esp_serial);
	/* mkfs.vfat would derive cluster size, geometry and alignment from the size of the whole disk, so all of them
	 * are given. */
	char *argv[] = { "mkfs.vfat", "--invariant", "-F", "32",  "-a",       "-s",   "1",    "-g",   "16/63",
			 "-i",        serial,        "-n", "ESP", "--offset", offset, device, blocks, NULL };

	return run(esp, argv, err);
}

static int copy_fd(const struct esp *esp, int fd, const char *target, struct error *err)
{
	CLEANUP(free_p) char *source = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	char *argv[] = { "mcopy", "-i", esp->image, source, (char *)target, NULL };

	return run(esp, argv, err);
}

static int copy_file(const struct esp *esp, int rootfd, const struct esp_file *file, struct error *err)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, file->source, O_RDONLY, 0);

	if (fd < 0)
		return error_errno(err, errno, "ESP: %s in the tree (packages shim-signed, grub-efi-amd64-signed)",
				   file->source);
	return copy_fd(esp, fd, file->target, err);
}

static int copy_config(const struct disk_plan *plan, const struct esp *esp, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("grub.cfg", MFD_CLOEXEC);
	CLEANUP(text_done) struct text config = { 0 };

	grub_code_esp_config(plan, &config);
	if (fd < 0 || write_all(fd, config.data, config.len) < 0)
		return error_errno(err, errno, "ESP: make grub.cfg");
	return copy_fd(esp, fd, "::EFI/debian/grub.cfg", err);
}

int esp_write(const struct disk_plan *plan, int rootfd, int fd, int64_t epoch, struct error *err)
{
	const struct esp_file *file =
		file_exists_in(rootfd, SIGNED_GRUB) && file_exists_in(rootfd, SHIM) ? signed_files : made_files;
	CLEANUP(esp_done)
	struct esp esp = {
		.image = xasprintf("/proc/%d/fd/%d@@%llu", getpid(), fd,
				   (unsigned long long)plan->partition[DISK_ESP].start),
		.epoch = xasprintf("SOURCE_DATE_EPOCH=%lld", (long long)epoch),
		.path = xasprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/sbin:/usr/bin"),
	};
	char *directories[] = { "mmd", "-i", esp.image, "::EFI", "::EFI/BOOT", "::EFI/debian", NULL };

	if (make_empty(plan, &esp, fd, err) < 0 || run(&esp, directories, err) < 0)
		return -1;
	for (; file->source; file++) {
		if (copy_file(&esp, rootfd, file, err) < 0)
			return -1;
	}
	return copy_config(plan, &esp, err);
}
