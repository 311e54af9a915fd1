/* SPDX-License-Identifier: Apache-2.0 */
/* The refused system calls, in jobs that the filter then binds. tests/e2e/sandbox.py has a hostile package. */
#include "builder/sandbox/sandbox_calls.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/check_job.h"

#define NOWHERE "/no/such/directory"

static int made(mode_t kind)
{
	return mknod(NOWHERE, kind, makedev(1, 3)) < 0 ? errno : 0;
}

/* What is refused fails with another error than the kernel's own for these arguments. */
static int few(void *context UNUSED, struct error *err)
{
	int ends[2];

	if (sandbox_calls_refuse(0, NULL, err) < 0)
		return -1;
	EXPECT(syscall(SYS_keyctl, 0, 0) < 0 && errno == ENOSYS);
	EXPECT(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	EXPECT(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
	EXPECT(mount("x", NOWHERE, "tmpfs", 0, NULL) < 0 && errno == EPERM);
	EXPECT(unshare(CLONE_NEWNS) < 0 && errno == EPERM && unshare(CLONE_FILES) == 0);
	EXPECT(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	EXPECT(made(S_IFBLK) == EPERM && made(S_IFIFO) == ENOENT && made(S_IFREG) == ENOENT);
	EXPECT(socket(AF_VSOCK, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(syscall(SYS_socket, 1l << 32 | AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	EXPECT(socketpair(AF_PACKET, SOCK_RAW, 0, ends) < 0 && errno == EAFNOSUPPORT);
	EXPECT(syscall(SYS_socketpair, 1l << 32 | AF_UNIX, SOCK_STREAM, 0, ends) < 0 && errno == EAFNOSUPPORT);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	EXPECT(chroot(NOWHERE) < 0 && errno != EPERM);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	EXPECT(pid > 0);
	return 0;
}

static int with_mounts(void *context UNUSED, struct error *err)
{
	if (sandbox_calls_refuse(SANDBOX_CALLS_MOUNT, NULL, err) < 0)
		return -1;
	EXPECT(umount2(NOWHERE, 0) < 0 && errno == ENOENT);
	EXPECT(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_open_by_handle_at, -1, NULL, 0) < 0 && errno == EPERM);
	return 0;
}

/* The same calls about the caller are allowed. */
static int of_others(struct error *err)
{
	struct sched_param idle = { 0 };
	cpu_set_t all;

	CPU_ZERO(&all);
	EXPECT(sched_getaffinity(0, sizeof all, &all) == 0);
	EXPECT(sched_setaffinity(getppid(), sizeof all, &all) < 0 && errno == EPERM);
	EXPECT(sched_setaffinity(0, sizeof all, &all) == 0);
	EXPECT(sched_setscheduler(getppid(), SCHED_OTHER, &idle) < 0 && errno == EPERM);
	EXPECT(sched_setscheduler(0, SCHED_OTHER, &idle) == 0);
	int own = getpriority(PRIO_PROCESS, 0);
	EXPECT(setpriority(PRIO_PROCESS, (id_t)getppid(), own) < 0 && errno == EPERM);
	EXPECT(setpriority(PRIO_USER, 0, own) < 0 && errno == EPERM && setpriority(PRIO_PGRP, 0, own) < 0);
	EXPECT(setpriority(PRIO_PROCESS, 0, own) == 0);
	long io = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	EXPECT(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, getppid(), io) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_ioprio_set, IOPRIO_WHO_USER, 0, io) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, io) == 0);
	return 0;
}

static int in_chroot(void *context UNUSED, struct error *err)
{
	if (sandbox_calls_refuse(SANDBOX_CALLS_CHROOT, NULL, err) < 0)
		return -1;
	EXPECT(chroot(NOWHERE) < 0 && errno == EPERM);
	EXPECT(made(S_IFCHR) == EPERM && made(S_IFIFO) == ENOENT);
	EXPECT(syscall(SYS_prlimit64, getppid(), 0, NULL, NULL) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_prlimit64, 0, 0, NULL, NULL) == 0);
	return of_others(err);
}

TEST(sandbox_calls_refuse_what_no_package_needs)
{
	CHECK_STR(check_job(few, NULL), "");
}

TEST(sandbox_calls_refuse_less_with_mounts)
{
	CHECK_STR(check_job(with_mounts, NULL), "");
}

TEST(sandbox_calls_refuse_more_in_a_chroot)
{
	CHECK_STR(check_job(in_chroot, NULL), "");
}
