/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/grub.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/disk/gpt.h"
#include "builder/disk/grub_code.h"
#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/text.h"

#define MODULE_MAX (8u << 20) /* of one of GRUB's files; the largest has 3 MiB */
#define PC_MODULES "/usr/lib/grub/i386-pc"
#define EFI_MODULES "/usr/lib/grub/x86_64-efi"
#define EFI_SIGNED "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
#define PC_DIRECTORY "/boot/grub/i386-pc"
#define EFI_DIRECTORY "/boot/grub/x86_64-efi"

static int lacks(struct error *err, const char *what)
{
	return error_set(err, ERROR_INPUT, "the tree has no %s; add the package grub-cloud-amd64 to packages.vm", what);
}

/* Every name in a directory of the tree. */
static int names_in(int rootfd, const char *path, struct strings *ret, struct error *err)
{
	int fd = file_open_in(rootfd, path, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read %s in the tree", path);
	while ((entry = readdir(dir)) != NULL)
		strings_add(ret, entry->d_name);
	strings_sort(ret);
	return 0;
}

static int copy_in(int rootfd, const char *from, const char *to, const char *name, struct error *err)
{
	CLEANUP(free_p) char *source = xasprintf("%s/%s", from, name), *target = xasprintf("%s/%s", to, name);
	CLEANUP(text_done) struct text bytes = { 0 };

	if (file_read_in(rootfd, source, MODULE_MAX, &bytes, err) < 0)
		return -1;
	return file_write_in(rootfd, target, bytes.data, bytes.len, 0644, err);
}

/* Copies what grub-install copies: modules, their lists, and the boot sector that it would write. */
static int copy_modules(int rootfd, const char *from, const char *to, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };

	if (names_in(rootfd, from, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.at[i];
		if (!text_ends(name, ".mod") && !text_ends(name, ".lst") && !text_same(name, "boot.img"))
			continue;
		if (copy_in(rootfd, from, to, name, err) < 0)
			return -1;
	}
	return 0;
}

static int run_mkimage(const char *root, char *const *argv, struct error *err)
{
	struct sandbox sandbox = { .root = root };

	return sandbox_run(&sandbox, &(struct process){ .argv = argv }, err);
}

static int prepare_bios(const struct disk_plan *plan, const char *root, int rootfd, struct error *err)
{
	CLEANUP(free_p) char *prefix = xasprintf("(,gpt%u)/boot/grub", plan->partition[DISK_ROOT].number);
	char *argv[] = { "grub-mkimage",           "-O",   "i386-pc",  "-d",       PC_MODULES, "-p", prefix, "-o",
			 PC_DIRECTORY "/core.img", "ext2", "part_gpt", "biosdisk", NULL };

	if (!file_exists_in(rootfd, PC_MODULES "/boot.img"))
		return lacks(err, PC_MODULES "/boot.img");
	if (copy_modules(rootfd, PC_MODULES, PC_DIRECTORY, err) < 0)
		return -1;
	return run_mkimage(root, argv, err);
}

/* The signed image contains its modules and needs nothing else. Without it an image is made, which loads its modules
 * from the root. */
static int prepare_uefi(const char *root, int rootfd, struct error *err)
{
	char *argv[] = { "grub-mkimage",
			 "-O",
			 "x86_64-efi",
			 "-d",
			 EFI_MODULES,
			 "-p",
			 "/EFI/debian",
			 "-o",
			 EFI_DIRECTORY "/core.efi",
			 "ext2",
			 "part_gpt",
			 "fat",
			 "search_fs_uuid",
			 "configfile",
			 "normal",
			 NULL };

	if (file_exists_in(rootfd, EFI_SIGNED))
		return 0;
	if (!file_exists_in(rootfd, EFI_MODULES))
		return lacks(err, EFI_SIGNED);
	if (copy_modules(rootfd, EFI_MODULES, EFI_DIRECTORY, err) < 0)
		return -1;
	return run_mkimage(root, argv, err);
}

/* The newest kernel's release, by version order. */
static int kernel_release(int rootfd, char **ret, struct error *err)
{
	static const char prefix[] = "vmlinuz-";
	CLEANUP(strings_done) struct strings names = { 0 };
	const char *newest = NULL;

	if (names_in(rootfd, "/boot", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (text_starts(names.at[i], prefix) && (!newest || strverscmp(names.at[i], newest) > 0))
			newest = names.at[i];
	}
	if (!newest)
		return error_set(err, ERROR_INPUT, "the tree has no kernel in /boot; set kernel: generic");
	*ret = xstrdup(newest + strlen(prefix));
	return 0;
}

static int write_settings(const struct disk_plan *plan, int rootfd, struct error *err)
{
	CLEANUP(text_done) struct text config = { 0 }, environment = { 0 };
	CLEANUP(free_p) char *release = NULL;

	if (kernel_release(rootfd, &release, err) < 0)
		return -1;
	grub_code_config(plan, release, &config);
	grub_code_environment(&environment);
	if (file_write_in(rootfd, "/boot/grub/grub.cfg", config.data, config.len, 0444, err) < 0 ||
	    file_write_in(rootfd, "/boot/grub/grubenv", environment.data, environment.len, 0644, err) < 0 ||
	    file_write_in(rootfd, "/etc/default/grub.d/50_nodekiln.cfg", grub_code_defaults, strlen(grub_code_defaults),
			  0644, err) < 0)
		return -1;
	return file_write_in(rootfd, "/etc/grub.d/enable_cloud", "", 0, 0644, err);
}

int grub_prepare(const struct disk_plan *plan, const char *root, int rootfd, struct error *err)
{
	if (plan->bios &&
	    (dir_make_in(rootfd, PC_DIRECTORY, 0755, err) < 0 || prepare_bios(plan, root, rootfd, err) < 0))
		return -1;
	if (plan->uefi && prepare_uefi(root, rootfd, err) < 0)
		return -1;
	return write_settings(plan, rootfd, err);
}

int grub_write_bios(const struct disk_plan *plan, int rootfd, int fd, struct error *err)
{
	const struct disk_partition *p = &plan->partition[DISK_BIOS];
	CLEANUP(text_done) struct text boot = { 0 }, core = { 0 };
	uint64_t first = p->start / GPT_SECTOR;
	uint8_t mbr[GRUB_SECTOR];

	if (file_read_in(rootfd, PC_DIRECTORY "/boot.img", GRUB_SECTOR, &boot, err) < 0 ||
	    file_read_in(rootfd, PC_DIRECTORY "/core.img", GRUB_CORE_MAX, &core, err) < 0 ||
	    grub_code_patch_core((uint8_t *)core.data, core.len, first, err) < 0)
		return -1;
	if (boot.len != sizeof mbr || core.len > p->size)
		return error_set(err, ERROR_FAILED,
				 "GRUB's boot.img has %zu bytes instead of %zu, or its core.img (%zu) is larger than "
				 "its partition",
				 boot.len, sizeof mbr, core.len);
	if (pread_all(fd, mbr, sizeof mbr, 0) < 0)
		return error_errno(err, errno, "read the disk's first sector");
	grub_code_patch_mbr(mbr, (const uint8_t *)boot.data, first);
	if (pwrite_all(fd, core.data, core.len, (off_t)p->start) < 0 || pwrite_all(fd, mbr, sizeof mbr, 0) < 0)
		return error_errno(err, errno, "write the boot code");
	return 0;
}
