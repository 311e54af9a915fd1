/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cell.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "cell.c: name this architecture as linux/audit.h does"
#endif
#define X32_CALLS 0x40000000u /* the second table of x86_64; no other has numbers that large */

#define LOOK_AT(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, skip_if, skip_unless) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip_if, skip_unless)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)

/* A kernel without inet: socket(2) of that kind fails as it would there. Whoever calls by another table is turned away, and so is
 * io_uring, which could do the same. */
static const struct sock_filter no_network[] = {
	LOOK_AT(arch),
	IS(NATIVE, 0, 4),
	LOOK_AT(nr),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 2, 0),
	IS(SYS_io_uring_setup, 1, 0),
	IS(SYS_socket, 1, 4),
	ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	LOOK_AT(args[0]),
	IS(AF_UNIX, 1, 0),
	ANSWER(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	ANSWER(SECCOMP_RET_ALLOW),
};

int cell_no_network(struct error *err)
{
	const struct sock_fprog filter = { ARRAY_SIZE(no_network), (struct sock_filter *)no_network };

	/* Without it only CAP_SYS_ADMIN may set a filter; root's programs lose nothing by it. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0)
		return 0;
	error_errno(err, errno, "take the network away (seccomp); allow seccomp(2) in this container");
	err->class = ERROR_HOST;
	return -1;
}

/* Kills our children of this moment; their own then fall to us. False when there are none or they can't be told. */
static bool kill_children(void)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());
	CLEANUP(text_done) struct text list = { 0 };
	struct error ignored = { 0 };
	bool any = false;
	char *end;

	if (file_read(AT_FDCWD, path, 1 << 20, &list, &ignored) < 0 || !list.len)
		return false;
	for (char *at = list.data; strtol(at, &end, 10) > 0 && end != at; at = end, any = true)
		kill((pid_t)strtol(at, NULL, 10), SIGKILL);
	return any;
}

static void end_everybody(void)
{
	while (kill_children())
		waitpid(-1, NULL, 0);
}

static bool has_ended(pid_t pid, int *ret_status)
{
	int status;

	for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
		if (ended == pid) {
			*ret_status = status;
			return true;
		}
	return false;
}

/* What the warden listens to: its program's end, a wish that the program shall end, and its builder's death. */
static sigset_t wardens_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	return set;
}

/* Its end is the program's end. */
NORETURN static void watch(const struct sandbox *s, pid_t program)
{
	const sigset_t signals = wardens_signals();
	int status = 0, signal_number;

	while ((signal_number = sigwaitinfo(&signals, NULL)) != SIGUSR1) {
		if (signal_number == SIGTERM)
			kill(program, SIGTERM);
		if (signal_number == SIGCHLD && has_ended(program, &status))
			break;
	}
	end_everybody();
	cell_room_clear(s);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static int enter(const char *root, struct error *err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chroot(root) < 0 || chdir("/") < 0)
		return error_errno(err, errno, "make %s the root", root);
	return cell_no_network(err);
}

static pid_t fork_program(struct error *err)
{
	pid_t pid = fork();

	return pid < 0 ? error_errno(err, errno, "start a process in the sandbox") : pid;
}

int cell_enter(const struct sandbox *s, struct error *err)
{
	const sigset_t signals = wardens_signals();
	sigset_t mask;

	/* Until here our parent's death killed us; from now on there is something to be put back. */
	sigprocmask(SIG_BLOCK, &signals, &mask);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (cell_room_furnish(s, err) < 0)
		return -1;
	pid_t pid = fork_program(err);
	if (pid < 0)
		cell_room_clear(s);
	if (pid > 0) {
		close_range(STDERR_FILENO + 1, ~0U, 0);
		watch(s, pid);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return pid < 0 ? -1 : enter(s->root, err);
}
