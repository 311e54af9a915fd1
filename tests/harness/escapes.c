/* SPDX-License-Identifier: Apache-2.0 */
/* Run by the script of a hostile package while it is configured: tries each way out of the sandbox that it knows, and
 * prints one line for each, "WAY name: open" or "WAY name: closed (why)". tests/e2e/sandbox.py makes it a package.
 *
 *	escapes CANARY PORT SOCKET KEY PID DEVICE NAMESPACES
 *
 * What the host has for it to find: the path of a file, a listener on loopback and on an abstract socket, a key in the
 * session of the builder, a process, a block device (MAJOR:MINOR), and the builder's user and cgroup namespaces. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <linux/ioprio.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT_INODE 2 /* of ext4 */
#define INO32_GEN 1  /* its kind of handle */

static char **host;
enum { CANARY = 1, PORT, SOCKET, KEY, PID, DEVICE, NAMESPACES, ARGUMENTS };

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Without opening it: a host may keep its own root from that. */
static bool makes_node(const char *path, mode_t kind, dev_t device)
{
	unlink(path);
	bool made = mknod(path, kind | 0600, device) == 0;
	int why = errno;

	unlink(path);
	errno = why;
	return made;
}

static dev_t host_device(void)
{
	unsigned major = 0, minor = 0;

	sscanf(host[DEVICE], "%u:%u", &major, &minor);
	return makedev(major, minor);
}

static bool block_device(void)
{
	return makes_node("/root/hd", S_IFBLK, host_device());
}

static bool block_device_in_dev(void)
{
	return makes_node("/dev/hd", S_IFBLK, host_device());
}

static bool log_device(void)
{
	return makes_node("/root/kmsg", S_IFCHR, makedev(1, 11));
}

static bool core_pattern(void)
{
	return opens("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static bool core_pattern_after_remount(void)
{
	return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) == 0 && core_pattern();
}

static bool core_pattern_below(void)
{
	return umount2("/proc/sys", MNT_DETACH) == 0 && core_pattern();
}

static bool mounts(const char *type, const char *options)
{
	mkdir("/run/m", 0755);
	if (mount("none", "/run/m", type, 0, options) < 0)
		return false;
	umount2("/run/m", MNT_DETACH);
	return true;
}

static bool new_proc(void)
{
	return mounts("proc", NULL);
}

static bool new_sysfs(void)
{
	return mounts("sysfs", NULL);
}

static bool new_cgroup2(void)
{
	return mounts("cgroup2", NULL);
}

static bool new_cgroup1(void)
{
	return mounts("cgroup", "none,name=nodekiln");
}

static bool new_tmpfs(void)
{
	return mounts("tmpfs", NULL);
}

static bool stub_removed(void)
{
	return umount2("/usr/sbin/policy-rc.d", MNT_DETACH) == 0;
}

static bool interrupts(void)
{
	return opens("/proc/irq/default_smp_affinity", O_WRONLY);
}

static bool sysrq(void)
{
	return opens("/proc/sysrq-trigger", O_WRONLY);
}

/* Files of processes are their own business; every user may wait for pressure. */
static int look_at_setting(const char *path, const struct stat *st, int type, struct FTW *where)
{
	const char *name = path + where->base;

	if (where->level == 1 && ((*name >= '0' && *name <= '9') || !strcmp(name, "pressure")))
		return FTW_SKIP_SUBTREE;
	return type == FTW_F && st->st_mode & 0222 && access(path, W_OK) == 0 ? FTW_STOP : FTW_CONTINUE;
}

static bool settings(void)
{
	return nftw("/proc", look_at_setting, 16, FTW_PHYS | FTW_ACTIONRETVAL) == FTW_STOP;
}

static bool kernel_memory(void)
{
	return opens("/proc/kcore", O_RDONLY);
}

static bool kernel_log(void)
{
	return klogctl(3, (char[16]){ 0 }, 16) >= 0;
}

static bool host_files_by_handle(void)
{
	struct {
		struct file_handle head;
		unsigned inode, generation;
	} handle = { .head = { .handle_bytes = 8, .handle_type = INO32_GEN }, .inode = ROOT_INODE };
	int below = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = open_by_handle_at(below, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* In a memory file system the inode is another. */
	return root >= 0 || errno == ESTALE;
}

static bool host_files_above_chroot(void)
{
	mkdir("/run/x", 0755);
	if (chroot("/run/x") < 0)
		return false;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return false;
	return access(host[CANARY] + 1, F_OK) == 0;
}

static bool host_files_by_proc(void)
{
	char path[4096];

	snprintf(path, sizeof path, "/proc/1/root%s", host[CANARY]);
	return access(path, F_OK) == 0 || access(host[CANARY], F_OK) == 0;
}

/* Upwards from a directory that any process inside has open. */
static bool host_files_by_descriptor(void)
{
	char path[4096];

	for (int pid = 1; pid < 1000; pid++)
		for (int fd = 0; fd < 64; fd++) {
			snprintf(path, sizeof path, "/proc/%d/fd/%d/../../../../../../../../..%s", pid, fd,
				 host[CANARY]);
			if (access(path, F_OK) == 0)
				return true;
		}
	return false;
}

static bool init_process(void)
{
	return access("/proc/1/root/", F_OK) == 0;
}

static bool loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)atoi(host[PORT])),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool abstract_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(host[SOCKET]);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, host[SOCKET], n);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + 1 + n)) == 0;
}

static bool vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0) >= 0;
}

static bool packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool kernel_crypto(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0;
}

static bool family_above_32_bits(void)
{
	return syscall(SYS_socket, 1l << 32 | AF_VSOCK, SOCK_STREAM, 0) >= 0;
}

static bool session_key(void)
{
	return syscall(SYS_keyctl, 10 /* search */, -3 /* the session's ring */, "user", host[KEY], 0) > 0;
}

static bool user_key(void)
{
	return syscall(SYS_keyctl, 10, -4 /* the user's ring */, "user", host[KEY], 0) > 0;
}

static bool bpf_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr) >= 0;
}

static bool perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .exclude_kernel = 1 };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0;
}

static bool io_uring(void)
{
	char parameters[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}

static bool page_faults(void)
{
	return syscall(SYS_userfaultfd, 1 /* user mode only */) >= 0;
}

static bool other_process(void)
{
	return kill(atoi(host[PID]), 0) == 0;
}

static bool other_process_limits(void)
{
	struct rlimit limit;

	return prlimit(atoi(host[PID]), RLIMIT_NOFILE, NULL, &limit) == 0;
}

static bool other_process_scheduling(void)
{
	int pid = atoi(host[PID]), own = getpriority(PRIO_PROCESS, 0);
	cpu_set_t all;

	return sched_getaffinity(0, sizeof all, &all) == 0 &&
	       (setpriority(PRIO_PROCESS, (id_t)pid, own) == 0 || sched_setaffinity(pid, sizeof all, &all) == 0 ||
		syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0)) == 0);
}

static bool tracing(void)
{
	return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0;
}

static bool terminal(void)
{
	return opens("/dev/tty", O_RDWR);
}

static bool typing(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	return (ioctl(fd < 0 ? STDIN_FILENO : fd, TIOCSTI, "#") == 0 || errno != EPERM) && errno != EIO;
}

static bool host_name(void)
{
	return sethostname("sandbox", 7) == 0;
}

static bool new_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool new_mount_namespace(void)
{
	return unshare(CLONE_NEWNS) == 0;
}

static bool other_namespace(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && setns(fd, 0) == 0;
}

/* Another table of numbers would not be looked at by a filter for this one. */
static bool other_abi(void)
{
	return syscall(0x40000000 | SYS_getppid) >= 0;
}

static bool is_builders(const char *kind)
{
	char path[64], name[64] = "";

	snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	return readlink(path, name, sizeof name - 1) > 0 && strstr(host[NAMESPACES], name);
}

static bool user_namespace(void)
{
	return is_builders("user");
}

static bool cgroup_namespace(void)
{
	return is_builders("cgroup");
}

static bool capabilities(void)
{
	char line[256];
	unsigned long long bounding = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		sscanf(line, "CapBnd: %llx", &bounding);
	/* CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_SYSLOG, CAP_BPF */
	return !f || bounding & (1ull << 16 | 1ull << 17 | 1ull << 19 | 1ull << 21 | 1ull << 22 | 1ull << 25 |
				 1ull << 34 | 1ull << 39);
}

static bool new_privileges(void)
{
	char line[256];
	int set = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		sscanf(line, "NoNewPrivs: %d", &set);
	return !set;
}

static bool shared_memory(void)
{
	return shmget((key_t)0x6e6b, 4096, 0) >= 0;
}

static const struct {
	const char *name;
	bool (*try)(void);
} ways[] = {
	{ "a block device of the host", block_device },
	{ "a block device in /dev", block_device_in_dev },
	{ "the device of the kernel's log", log_device },
	{ "core_pattern", core_pattern },
	{ "core_pattern, after remounting", core_pattern_after_remount },
	{ "core_pattern, below the read-only mount", core_pattern_below },
	{ "a new /proc", new_proc },
	{ "a new /sys", new_sysfs },
	{ "the cgroups", new_cgroup2 },
	{ "cgroups of version 1", new_cgroup1 },
	{ "a new mount", new_tmpfs },
	{ "a mount of the sandbox removed", stub_removed },
	{ "the interrupts", interrupts },
	{ "sysrq", sysrq },
	{ "any setting of the kernel", settings },
	{ "the kernel's memory", kernel_memory },
	{ "the kernel's log", kernel_log },
	{ "the host's files by their handles", host_files_by_handle },
	{ "the host's files by /proc", host_files_by_proc },
	{ "the host's files by a descriptor", host_files_by_descriptor },
	{ "the sandbox's init process", init_process },
	{ "the host's loopback", loopback },
	{ "an abstract socket", abstract_socket },
	{ "AF_VSOCK", vsock },
	{ "AF_PACKET", packets },
	{ "AF_ALG", kernel_crypto },
	{ "AF_VSOCK, above 32 bits", family_above_32_bits },
	{ "a key of the session", session_key },
	{ "a key of the user", user_key },
	{ "bpf", bpf_map },
	{ "perf events", perf },
	{ "io_uring", io_uring },
	{ "userfaultfd", page_faults },
	{ "a process of the host", other_process },
	{ "limits of a process of the host", other_process_limits },
	{ "scheduling of a process of the host", other_process_scheduling },
	{ "tracing", tracing },
	{ "the caller's terminal", terminal },
	{ "typing into a terminal", typing },
	{ "the host name", host_name },
	{ "a new user namespace", new_user_namespace },
	{ "a new mount namespace", new_mount_namespace },
	{ "another mount namespace", other_namespace },
	{ "another ABI", other_abi },
	{ "the builder's user namespace", user_namespace },
	{ "the builder's cgroup namespace", cgroup_namespace },
	{ "capabilities over the kernel", capabilities },
	{ "new privileges by a program", new_privileges },
	{ "shared memory of the host", shared_memory },
	{ "the host's files above a chroot", host_files_above_chroot },
};

/* In a process of its own: a way that is open may change what the next one finds. */
static void try_way(size_t i)
{
	pid_t pid = fork();

	if (pid == 0) {
		errno = 0;
		bool open = ways[i].try();
		printf("WAY %s: %s%s%s\n", ways[i].name, open ? "open" : "closed", open || !errno ? "" : ", ",
		       open || !errno ? "" : strerror(errno));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	host = argv;
	if (argc != ARGUMENTS)
		return 2;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		try_way(i);
	printf("WAYS %zu\n", sizeof ways / sizeof *ways);
	return 0;
}
