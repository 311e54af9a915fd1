/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/confine.h"
#include "lib/file.h"
#include "tests/unit/check.h"

/* Each returns -1 with errno when it is forbidden. */
static long try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long try_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

/* This process's own threads may be signalled: abort(3) does it. */
static long try_tgkill(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

/* The kernel signals the owner of a descriptor, with the rights of the process that named it. */
static long try_owner(void)
{
	return fcntl(STDIN_FILENO, F_SETOWN, getppid());
}

static long try_owner_by_thread(void)
{
	const struct f_owner_ex owner = { F_OWNER_PID, getppid() };

	return fcntl(STDIN_FILENO, F_SETOWN_EX, &owner);
}

static long try_signal_of_descriptor(void)
{
	return fcntl(STDIN_FILENO, F_SETSIG, SIGKILL);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long try_unlink(void)
{
	return unlink("/tmp/nodekiln-confine");
}

static long try_memory_of_others(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL);
}

static const struct {
	const char *what;
	long (*try)(void);
} forbidden[] = {
	{ "open", try_open },
	{ "socket", try_socket },
	{ "fork", try_fork },
	{ "exec", try_exec },
	{ "kill", try_kill },
	{ "ptrace", try_ptrace },
	{ "tgkill", try_tgkill },
	{ "F_SETOWN", try_owner },
	{ "F_SETOWN_EX", try_owner_by_thread },
	{ "F_SETSIG", try_signal_of_descriptor },
	{ "unshare", try_namespace },
	{ "mount", try_mount },
	{ "unlink", try_unlink },
	{ "process_vm_readv", try_memory_of_others },
};

static void *add_one(void *number)
{
	++*(int *)number;
	return NULL;
}

/* Runs in a child: 0 when everything is as it should be, else which was not. */
static int attack(int fd)
{
	struct error err = { 0 };
	pthread_t thread;
	struct stat st;
	char byte;
	int number = 0;
	bool root = geteuid() == 0;

	if (confine(&err) < 0 || !confined())
		return 100;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		errno = 0;
		if (forbidden[i].try() >= 0 || errno != EPERM)
			return (int)i + 1;
	}
	if (root && syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, 0) == 0)
		return 104;
	if (pread_all(fd, &byte, 1, 0) < 0 || byte != 'x' || pwrite_all(fd, "y", 1, 0) < 0 || ftruncate(fd, 9) < 0)
		return 101;
	if (pthread_create(&thread, NULL, add_one, &number) != 0 || pthread_join(thread, NULL) != 0 || number != 1)
		return 102;
	if (raise(0) != 0)
		return 105;
	return geteuid() == 0 ? 103 : 0;
}

TEST(confine_leaves_only_open_descriptors)
{
	char path[] = "/tmp/nodekiln-confine.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	int status = -1;

	unlink(path);
	CHECK(write_all(fd, "x", 1) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(attack(fd));
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	int code = WEXITSTATUS(status);
	if (code)
		printf("# %s\n",
		       code <= (int)ARRAY_SIZE(forbidden) ? forbidden[code - 1].what : "what is allowed failed");
	CHECK(code == 0);
	CHECK(!confined());
}
