/* SPDX-License-Identifier: Apache-2.0 */
/* The table of requirements, and the checks of its rows. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "builder/cache/cache.h"
#include "builder/host/doctor.h"
#include "builder/host/kvm.h"
#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/process.h"

/* The trees of an image and of a toolchain, packages and compiled Kubernetes, with space for a second recipe. */
#define CACHE_SPACE_WANTED (8ull << 30)
/* With less, a build works on the disk instead of in memory (scratch.h). */
#define MEMORY_WANTED (6ull << 30)

#define OVERLAY_TMPFS_SIZE (1ull << 20)

static bool check_program(const struct requirement *r, struct text *ret_detail UNUSED)
{
	return process_exists(r->name);
}

static bool check_file(const struct requirement *r, struct text *ret_detail UNUSED)
{
	return access(r->path, R_OK) == 0;
}

/* Runs a check that changes the process it runs in. */
static bool check_in_job(job_fn *fn, void *context, struct text *ret_detail)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct error err = { 0 };

	if (job_start(&job, fn, context, &err) == 0 && job_wait(&job, &err) == 0)
		return true;
	text_add(ret_detail, err.text);
	return false;
}

static int be_confined(void *context UNUSED, struct error *err)
{
	if (rootless_enter(err) < 0)
		return -1;
	return rootless_restricted() ? 0 : error_set(err, ERROR_HOST, "namespaces are available");
}

/* A build then works without it. */
static bool is_confined(void)
{
	CLEANUP(text_done) struct text ignored = { 0 };

	return check_in_job(be_confined, NULL, &ignored);
}

static int make_namespaces(void *context UNUSED, struct error *err)
{
	if (rootless_enter(err) < 0)
		return -1;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		    CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "make namespaces");
	return 0;
}

static bool check_namespaces(const struct requirement *r UNUSED, struct text *ret_detail)
{
	if (!is_confined())
		return check_in_job(make_namespaces, NULL, ret_detail);
	text_add(ret_detail,
		 "not available: a chroot is used instead; images cannot be preloaded, nor Kubernetes compiled");
	return true;
}

/* Both kinds of mounts that a build makes, in a mount namespace that ends with the job. */
static int mount_overlay(void *context, struct error *err)
{
	static const char *const parts[] = { "lower", "upper", "work", "both" };
	const char *directory = context;
	char *path[ARRAY_SIZE(parts)];

	if (rootless_enter(err) < 0 || sandbox_private_mounts(err) < 0 ||
	    sandbox_mount_tmpfs(directory, OVERLAY_TMPFS_SIZE, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		path[i] = xasprintf("%s/%s", directory, parts[i]);
		if (dir_make(AT_FDCWD, path[i], 0755, err) < 0)
			return -1;
	}
	return sandbox_mount_overlay(path[0], path[1], path[2], path[3], err);
}

static bool check_overlay(const struct requirement *r UNUSED, struct text *ret_detail)
{
	char directory[] = "/tmp/nodekiln.XXXXXX";

	if (is_confined()) {
		text_add(ret_detail, "not available: trees are copied, which is slower");
		return true;
	}
	if (!mkdtemp(directory)) {
		text_add(ret_detail, "cannot make a directory in /tmp");
		return false;
	}
	bool ok = check_in_job(mount_overlay, directory, ret_detail);
	rmdir(directory);
	return ok;
}

/* Root needs none of this. */
static bool check_subordinate_ids(const struct requirement *r UNUSED, struct text *ret_detail)
{
	struct error err = { 0 };
	bool complete = rootless_subordinate(&err);

	text_add(ret_detail, err.text);
	return complete;
}

static bool check_mapper(const struct requirement *r, struct text *ret_detail UNUSED)
{
	return geteuid() == 0 || process_exists(r->name);
}

static bool check_cache(const struct requirement *r UNUSED, struct text *ret_detail)
{
	struct cache cache = { .fd = -1 };
	struct error err = { 0 };

	if (cache_open(&cache, &err) < 0) {
		text_addf(ret_detail, "%s; NODEKILN_CACHE sets another directory", err.text);
		return false;
	}
	uint64_t free_bytes = file_free_space(cache.fd);
	text_addf(ret_detail, "%s free in %s, %s recommended", text_bytes(free_bytes), cache.path,
		  text_bytes(CACHE_SPACE_WANTED));
	cache_close(&cache);
	return free_bytes >= CACHE_SPACE_WANTED;
}

static bool check_memory(const struct requirement *r UNUSED, struct text *ret_detail)
{
	struct sysinfo info = { 0 };

	sysinfo(&info);
	uint64_t bytes = (uint64_t)info.totalram * info.mem_unit;
	bool enough = bytes >= MEMORY_WANTED;
	text_addf(ret_detail, "%s of memory: large images are built %s", text_bytes(bytes),
		  enough ? "in memory" : "on the disk, which is slower");
	return enough;
}

/* The existence of /dev/kvm says little: unmodified guests hang under some nested KVMs. `nodekiln boot` tries a whole
 * machine, too. */
static bool check_kvm(const struct requirement *r UNUSED, struct text *ret_detail)
{
	struct error err = { 0 };

	if (kvm_try(&err) == 0)
		return true;
	text_addf(ret_detail, "%s; guests will be emulated, which is slower", err.text);
	return false;
}

/* Either program accepts the same options (seed.c). */
static bool check_iso(const struct requirement *r, struct text *ret_detail UNUSED)
{
	return process_exists(r->name) || process_exists("mkisofs");
}

#define PROGRAM(program, from, by, what)                                                                               \
	{                                                                                                              \
		.name = program, .package = from, .commands = by, .check = check_program, .why = what                  \
	}
#define HOST_FILE(word, file, from, by, what)                                                                          \
	{                                                                                                              \
		.name = word, .path = file, .package = from, .commands = by, .check = check_file, .why = what          \
	}

const struct requirement doctor_requirements[] = {
	PROGRAM("apt-get", "apt", FOR_LOCK | FOR_BUILD, "resolves the dependencies of a recipe"),
	PROGRAM("gpgv", "gpgv", FOR_LOCK | FOR_BUILD, "checks the signatures of package indices"),
	HOST_FILE("keyring", "/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring",
		  FOR_LOCK | FOR_BUILD, "contains Debian's keys"),
	HOST_FILE("certificates", "/etc/ssl/certs/ca-certificates.crt", "ca-certificates",
		  FOR_LOCK | FOR_BUILD | FOR_PUBLISH | FOR_DEPLOY, "contains the keys of https servers"),
	PROGRAM("mke2fs", "e2fsprogs", FOR_BUILD, "makes the root file system"),
	PROGRAM("mkfs.vfat", "dosfstools", FOR_BUILD, "makes the EFI partition"),
	PROGRAM("mcopy", "mtools", FOR_BUILD, "fills the EFI partition"),
	PROGRAM("mmd", "mtools", FOR_BUILD, "fills the EFI partition"),
	{ .name = "newuidmap",
	  .package = "uidmap",
	  .commands = FOR_BUILD,
	  .check = check_mapper,
	  .why = "maps the ids of a build without root" },
	{ .name = "subordinate ids",
	  .commands = FOR_BUILD,
	  .check = check_subordinate_ids,
	  .why = "own the files of a build without root" },
	{ .name = "namespaces",
	  .commands = FOR_BUILD,
	  .check = check_namespaces,
	  .why = "isolate the installation of packages from the host" },
	{ .name = "overlayfs", .commands = FOR_BUILD, .check = check_overlay, .why = "stacks the trees of an image" },
	{ .name = "cache",
	  .commands = FOR_LOCK | FOR_BUILD,
	  .check = check_cache,
	  .why = "keeps packages, trees and compiled programs" },
	{ .name = "memory",
	  .commands = FOR_BUILD,
	  .optional = true,
	  .check = check_memory,
	  .why = "is where images are built" },
	{ .name = "genisoimage",
	  .package = "genisoimage",
	  .commands = FOR_BOOT | FOR_SEED | FOR_DEPLOY,
	  .check = check_iso,
	  .why = "makes the guest's cloud-init drive" },
	{ .name = "git",
	  .package = "git",
	  .commands = FOR_SEED | FOR_DEPLOY,
	  .optional = true,
	  .check = check_program,
	  .why = "says whether a file of secrets would be committed" },
	{ .name = "gpg",
	  .package = "gpg",
	  .commands = FOR_BUILD,
	  .optional = true,
	  .check = check_program,
	  .why = "signs artifacts (`build --sign`)" },
	PROGRAM("qemu-img", "qemu-utils", FOR_BOOT, "keeps the guest's writes away from the image"),
	PROGRAM("qemu-system-x86_64", "qemu-system-x86", FOR_BOOT, "runs the guest"),
	HOST_FILE("OVMF", "/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", FOR_BOOT,
		  "is the firmware of `boot --firmware uefi`"),
	{ .name = "KVM",
	  .path = "/dev/kvm",
	  .commands = FOR_BOOT,
	  .optional = true,
	  .check = check_kvm,
	  .why = "runs the guest faster" },
};
const size_t doctor_requirements_count = ARRAY_SIZE(doctor_requirements);
