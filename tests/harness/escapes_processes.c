/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: those of the host, terminals, namespaces, rights. */
#include "escapes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

const struct way process_ways[] = {
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
	{ "the builder's user namespace", user_namespace },
	{ "the builder's cgroup namespace", cgroup_namespace },
	{ "capabilities over the kernel", capabilities },
	{ "new privileges by a program", new_privileges },
	{ 0 },
};
