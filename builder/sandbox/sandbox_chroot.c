/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_chroot.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/sandbox_chroot_proc.h"
#include "builder/sandbox/sandbox_orphans.h"
#include "builder/sandbox/seccomp.h"
#include "builder/sandbox/seccomp_notify.h"
#include "lib/file.h"

#define X32_CALLS 0x40000000u /* the bit of x32 system call numbers on x86_64; no other table has numbers this large */
#define LISTENER 3            /* the supervisor's only descriptor after the first three */

/* Behaves as a kernel without inet: socket(2) fails as it would there. System calls of another ABI are
 * refused, and so is io_uring, which can make sockets too. */
static const struct sock_filter no_network[] = {
	FILTER_LOOK_AT(arch),
	FILTER_IS(FILTER_NATIVE, 0, 4),
	FILTER_LOOK_AT(nr),
	FILTER_IS_AT_LEAST(X32_CALLS, 2, 0),
	FILTER_IS(SYS_io_uring_setup, 1, 0),
	FILTER_IS(SYS_socket, 1, 4),
	FILTER_ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	FILTER_LOOK_AT(args[0]),
	FILTER_IS(AF_UNIX, 1, 0),
	FILTER_ANSWER(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	FILTER_ANSWER(SECCOMP_RET_ALLOW),
};

int sandbox_chroot_no_network(struct error *err)
{
	return seccomp_install(no_network, ARRAY_SIZE(no_network), 0, err);
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

/* SIGCHLD: the program may have ended; SIGTERM: to be passed on to it; SIGUSR1: the builder died. */
static sigset_t supervised_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	return set;
}

/* True when the supervisor has to end. */
static bool handle_signal(int signals, pid_t program, int *ret_status)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof info) != sizeof info || info.ssi_signo == SIGUSR1)
		return true;
	if (info.ssi_signo == SIGTERM)
		kill(program, SIGTERM);
	return has_ended(program, ret_status);
}

/* Returns when the program has ended, or, with *ret_status unchanged, when it has to be killed. */
static void watch(pid_t program, int listener, const char *root, const sigset_t *set, int *ret_status)
{
	CLEANUP(close_p) int signals = signalfd(-1, set, SFD_CLOEXEC);
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = listener, .events = POLLIN } };

	while (signals >= 0 && poll(fds, ARRAY_SIZE(fds), -1) > 0) {
		/* When no process is left, the listener reports only POLLHUP; a receive would then
		 * block without end before Linux 6.11. */
		if (fds[1].revents & POLLIN ? !sandbox_chroot_proc_answer(listener, root) : fds[1].revents)
			fds[1].fd = -1;
		if (fds[0].revents && handle_signal(signals, program, ret_status))
			return;
	}
}

/* Exits with the program's status. Closes all other descriptors, since the reader of a pipe would wait for
 * its end. */
NORETURN static void supervise(const struct sandbox *s, pid_t program, int socket)
{
	const sigset_t set = supervised_signals();
	int status = SIGKILL, listener = seccomp_notify_receive(socket);
	char root[PATH_MAX];

	if (listener >= 0 && listener != LISTENER)
		listener = dup2(listener, LISTENER);
	close_range(listener < 0 ? LISTENER : LISTENER + 1, ~0U, 0);
	watch(program, listener, realpath(s->root, root) ? root : s->root, &set, &status);
	sandbox_orphans_kill(NULL, NULL, NULL);
	sandbox_chroot_clear(s);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static int enter(const struct sandbox *s, int socket, struct error *err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chroot(s->root) < 0 || chdir("/") < 0)
		return error_errno(err, errno, "make %s the root", s->root);
	if (!s->network && sandbox_chroot_no_network(err) < 0)
		return -1;
	return sandbox_chroot_proc_install(socket, err);
}

/* Returns in the child only, unless it fails. */
static int fork_program(const struct sandbox *s, const sigset_t *mask, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a pair of sockets");
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "start a process in the sandbox");
	close(ends[pid > 0]);
	if (pid > 0)
		supervise(s, pid, ends[0]);
	sigprocmask(SIG_SETMASK, mask, NULL);
	int rc = enter(s, ends[1], err);
	close(ends[1]);
	return rc;
}

int sandbox_chroot_enter(const struct sandbox *s, struct error *err)
{
	const pid_t us = getpid();
	sigset_t all, mask;

	/* From here on the parent's death must not kill this process, because it has files to move back.
	 * Nor may Ctrl-C at a terminal: it ends the parent, and SIGUSR1 reports that. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (sandbox_chroot_populate(s, err) < 0)
		return -1;
	int rc = fork_program(s, &mask, err);
	if (rc < 0 && getpid() == us)
		sandbox_chroot_clear(s);
	return rc;
}
