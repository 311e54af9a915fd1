/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cmd/command.h"
#include "builder/cmd/user_data.h"
#include "builder/disk/qcow2.h"
#include "builder/host/qemu.h"
#include "builder/seed/seed.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/log.h"
#include "lib/process.h"
#include "lib/yaml.h"

#define CPUS_MAX 255
#define MEMORY_MIN (256ull << 20)

static const char *firmware = "bios", *memory = "2G", *cpus = "2", *accel = "auto", *disk_size, *seed_given, *hostname,
		  *key_file;
static struct strings forward;
static bool console;

static const struct option_spec options[] = {
	{ "--firmware", OPTION_VALUE, &firmware, "bios|uefi", "SeaBIOS (default) or OVMF" },
	{ "--memory", OPTION_VALUE, &memory, "SIZE", "memory of the machine (default: 2G)" },
	{ "--cpus", OPTION_VALUE, &cpus, "N", "number of processors (default: 2)" },
	{ "--accel", OPTION_VALUE, &accel, "auto|kvm|tcg",
	  "auto (default): use KVM if a trial boot shows that it works" },
	{ "--disk-size", OPTION_VALUE, &disk_size, "SIZE", "grow the disk; the guest's root grows at boot" },
	{ "--seed", OPTION_VALUE, &seed_given, "DIR|ISO",
	  "user-data and meta-data for cloud-init, or an ISO of `nodekiln seed`" },
	{ "--hostname", OPTION_VALUE, &hostname, "NAME", "without --seed: generate a seed with this host name" },
	{ "--ssh-key", OPTION_VALUE, &key_file, "FILE", "without --seed: generate a seed with these public keys" },
	{ "--forward", OPTION_LIST, &forward, "PORT:GUEST", "forward a port of 127.0.0.1 to the guest, e.g. 2222:22" },
	{ "--console", OPTION_FLAG, &console, NULL, "connect the terminal to the serial console; Ctrl-A X ends QEMU" },
	{ 0 },
};

/* The machine's private files. Their directory is removed before the machine starts; the open descriptors remain. */
struct files {
	char directory[64];
	int disk, seed, variables; /* -1 = not used */
};

static int choose(const char *option, const char *value, const char *const *names, struct error *err)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(value, names[i]))
			return i;
	return error_set(err, ERROR_USAGE, "%s %s is not one of its values; see `nodekiln boot --help`", option, value);
}

static int read_plan(struct qemu_plan *plan, struct error *err)
{
	static const char *const firmwares[] = { "bios", "uefi", NULL };
	char *end;
	int choice = choose("--firmware", firmware, firmwares, err);

	if (choice < 0)
		return -1;
	plan->firmware = (enum qemu_firmware)choice;
	plan->console = console;
	plan->forward = forward;
	if (!text_size(memory, &plan->memory) || plan->memory < MEMORY_MIN)
		return error_set(err, ERROR_USAGE, "--memory %s: it must be a size such as 2G, at least 256M", memory);
	unsigned long n = strtoul(cpus, &end, 10);
	if (*end || n < 1 || n > CPUS_MAX)
		return error_set(err, ERROR_USAGE, "--cpus %s: it must be 1 to %d", cpus, CPUS_MAX);
	plan->cpus = (unsigned)n;
	for (size_t i = 0; i < forward.n; i++)
		if (qemu_forward_check(forward.at[i], err) < 0)
			return -1;
	if (seed_given && (hostname || key_file))
		return error_set(err, ERROR_USAGE, "--seed has its own user-data; leave out --hostname and --ssh-key");
	return 0;
}

/* The size that the disk gets, in bytes: that of the image, or a larger one. */
static int read_disk_size(const char *image, unsigned long long *ret, struct error *err)
{
	CLEANUP(close_p) int fd = input_open(image, err);
	struct qcow2_info info;

	if (fd < 0)
		return -1;
	if (qcow2_info(fd, &info, err) < 0) {
		err->class = ERROR_INPUT;
		return error_wrap(err, "%s", image);
	}
	*ret = info.size;
	if (disk_size && (!text_size(disk_size, ret) || *ret < info.size))
		return error_set(err, ERROR_USAGE, "--disk-size %s: it must be a size of at least %s, the image's size",
				 disk_size, text_bytes(info.size));
	return 0;
}

/* Makes an overlay whose backing file is the image; all writes go to the overlay. */
static int make_overlay(const char *image, unsigned long long size, const char *path, struct error *err)
{
	CLEANUP(free_p) char *backing = realpath(image, NULL);
	CLEANUP(free_p) char *bytes = xasprintf("%llu", size);
	char *argv[] = { "qemu-img", "create", "-q",    "-f",         "qcow2", "-F",
			 "qcow2",    "-b",     backing, (char *)path, bytes,   NULL };

	if (!backing)
		return error_errno(err, errno, "find %s", image);
	return process_run(&(struct process){ .argv = argv }, err);
}

static int copy_file(const char *from, const char *to, struct error *err)
{
	CLEANUP(close_p) int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP(close_p) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (in < 0 || out < 0)
		return error_errno(err, errno, "copy %s", from);
	return copy_all(in, out, err);
}

static int warn_user_data(struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *file = xasprintf("%s/user-data", seed_given);

	text_add(&text, "");
	if (access(file, R_OK) < 0)
		return 0; /* seed_iso() says what is missing */
	return input_read(file, YAML_SIZE_MAX, &text, err) < 0 ? -1 : user_data_warn(file, &text, true, err);
}

static int make_seed(const struct files *s, const char *path, struct error *err)
{
	CLEANUP(free_p) char *instance = xasprintf("nodekiln-%s", s->directory + strlen(s->directory) - 6);
	struct seed seed = { .directory = seed_given, .hostname = hostname, .instance_id = instance };
	CLEANUP(text_done) struct text iso = { 0 };
	struct stat st;
	int rc = 0;

	if (seed_given && stat(seed_given, &st) == 0 && S_ISREG(st.st_mode))
		return copy_file(seed_given, path, err);
	if (seed_given && warn_user_data(err) < 0)
		return -1;
	if (key_file)
		rc = seed_read_keys(key_file, &seed.keys, err);
	if (rc == 0)
		rc = seed_iso(&seed, &iso, err);
	strings_done(&seed.keys);
	return rc < 0 ? -1 : file_write(AT_FDCWD, path, iso.data, iso.len, 0600, err);
}

static int open_made(const char *path, int *ret, struct error *err)
{
	*ret = open(path, O_RDWR | O_CLOEXEC);
	return *ret < 0 ? error_errno(err, errno, "open %s", path) : 0;
}

static int files_fill(const char *image, const struct qemu_ovmf *ovmf, struct files *s, struct error *err)
{
	CLEANUP(free_p) char *disk = xasprintf("%s/disk.qcow2", s->directory);
	CLEANUP(free_p) char *seed = xasprintf("%s/seed.iso", s->directory);
	CLEANUP(free_p) char *variables = xasprintf("%s/variables.fd", s->directory);
	unsigned long long size;

	if (read_disk_size(image, &size, err) < 0 || make_overlay(image, size, disk, err) < 0 ||
	    open_made(disk, &s->disk, err) < 0)
		return -1;
	if ((seed_given || hostname || key_file) && (make_seed(s, seed, err) < 0 || open_made(seed, &s->seed, err) < 0))
		return -1;
	if (ovmf->code &&
	    (copy_file(ovmf->variables, variables, err) < 0 || open_made(variables, &s->variables, err) < 0))
		return -1;
	return 0;
}

static void files_close(struct files *s)
{
	close_p(&s->disk);
	close_p(&s->seed);
	close_p(&s->variables);
}

static int files_make(const char *image, const struct qemu_ovmf *ovmf, struct files *s, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	struct error ignored = { 0 };

	snprintf(s->directory, sizeof s->directory, "%s/nodekiln-boot-XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/var/tmp");
	if (!mkdtemp(s->directory))
		return error_errno(err, errno, "make %s", s->directory);
	int rc = files_fill(image, ovmf, s, err);
	if (tree_remove(AT_FDCWD, s->directory, rc < 0 ? &ignored : err) < 0)
		rc = -1;
	return rc;
}

static int choose_accel(struct qemu_plan *plan, const int *inherit, struct error *err)
{
	static const char *const accels[] = { "auto", "kvm", "tcg", NULL };
	int choice = choose("--accel", accel, accels, err);

	if (choice < 0)
		return -1;
	plan->kvm = choice == 1 || (choice == 0 && qemu_kvm_works(plan, inherit));
	if (choice == 0 && !plan->kvm)
		log_info("KVM does not work here; emulating, which is slow");
	return 0;
}

static int boot(const char *image, struct files *s, struct error *err)
{
	CLEANUP(free_p) char *disk = NULL;
	CLEANUP(free_p) char *seed = NULL;
	CLEANUP(free_p) char *variables = NULL;
	struct qemu_plan plan = { 0 };
	struct qemu_ovmf ovmf = { 0 };

	if (read_plan(&plan, err) < 0 || (plan.firmware == QEMU_UEFI && qemu_find_ovmf(&ovmf, err) < 0) ||
	    files_make(image, &ovmf, s, err) < 0)
		return -1;
	plan.disk = disk = xasprintf("/proc/self/fd/%d", s->disk);
	plan.seed = seed = s->seed < 0 ? NULL : xasprintf("/proc/self/fd/%d", s->seed);
	plan.variables = variables = s->variables < 0 ? NULL : xasprintf("/proc/self/fd/%d", s->variables);
	plan.code = ovmf.code;

	int inherit[4] = { -1, -1, -1, -1 }, n = 0;
	for (const int *fd = (int[]){ s->disk, s->seed, s->variables }, *end = fd + 3; fd < end; fd++)
		if (*fd >= 0)
			inherit[n++] = *fd;
	if (choose_accel(&plan, inherit, err) < 0)
		return -1;
	return qemu_run(&plan, inherit, err);
}

static int run(int argc UNUSED, char **argv, struct error *err)
{
	CLEANUP(files_close) struct files s = { .disk = -1, .seed = -1, .variables = -1 };
	int rc = boot(argv[0], &s, err);

	strings_done(&forward);
	return rc;
}

static const char *const examples[] = { "nodekiln boot out/debian-13.qcow2 --hostname try --ssh-key "
					"~/.ssh/id_ed25519.pub --forward 2222:22",
					"ssh -p 2222 debian@127.0.0.1", NULL };

const struct command command_boot = {
	.name = "boot",
	.arguments = "FILE.qcow2",
	.summary = "start an image in QEMU; the image itself is never written to",
	.description =
		"QEMU boots the image with a generated or given cloud-init seed. All writes go to a temporary overlay. "
		"KVM is used only when a trial boot shows that a guest runs under it; emulation works too, slowly.\n"
		"Without `--console` the serial console is only printed. A container template cannot be booted.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = 1,
	.run = run,
};
