/* SPDX-License-Identifier: Apache-2.0 */
/* Executes the plan: trials of KVM, and the machine itself with control of the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "builder/host/qemu.h"
#include "lib/process.h"

/* With a working KVM, a machine reaches user space long before that, even with GRUB's menu. */
#define TRIAL_SECONDS 30
#define TRIAL_OUTPUT_MAX (4u << 20)
#define STOP_MS 5000
#define LOOK_MS 200

/* Any of these on the serial console means that the guest's kernel has started its first program. */
static const char *const alive_words[] = { "Run /init as init process", "systemd[1]:", "Welcome to ", " login:" };

struct child {
	const int *inherit;
	int terminal; /* becomes its stdin; -1 = /dev/null */
};

/* Runs in the child. Our descriptors are close-on-exec; those that the plan names must stay open. */
static int keep_files(void *context, struct error *err)
{
	const struct child *child = context;

	for (const int *fd = child->inherit; *fd >= 0; fd++)
		if (fcntl(*fd, F_SETFD, 0) < 0)
			return error_errno(err, errno, "pass file %d to QEMU", *fd);
	if (child->terminal >= 0 && dup2(child->terminal, STDIN_FILENO) < 0)
		return error_errno(err, errno, "pass the terminal to QEMU");
	return 0;
}

static pid_t start(const struct qemu_plan *plan, struct child *child, int output, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	qemu_argv(plan, &argv);
	return process_start(&(struct process){ .argv = strings_argv(&argv), .setup = keep_files, .context = child },
			     output, err);
}

static bool is_alive(const struct text *console)
{
	for (size_t i = 0; console->len && i < ARRAY_SIZE(alive_words); i++)
		if (memmem(console->data, console->len, alive_words[i], strlen(alive_words[i])))
			return true;
	return false;
}

static int milliseconds_until(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	long long ms = (end->tv_sec - now.tv_sec) * 1000ll + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* Reads the console until the guest reaches user space, QEMU ends, or the time is up. */
static bool shows_life(int fd)
{
	CLEANUP(text_done) struct text console = { 0 };
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct timespec end;
	char chunk[4096];

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += TRIAL_SECONDS;
	while (poll(&readable, 1, milliseconds_until(&end)) > 0) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n <= 0 || console.len > TRIAL_OUTPUT_MAX)
			return false;
		text_addn(&console, chunk, (size_t)n);
		if (is_alive(&console))
			return true;
	}
	return false;
}

bool qemu_kvm_works(const struct qemu_plan *plan, const int *inherit)
{
	CLEANUP(close_p) int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct qemu_plan trial = *plan;
	struct child child = { .inherit = inherit, .terminal = -1 };
	struct error err = { 0 };
	int ends[2];

	if (kvm < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	trial.kvm = trial.snapshot = true;
	trial.console = false;
	trial.forward = (struct strings){ 0 };
	pid_t pid = start(&trial, &child, ends[1], &err);
	close(ends[1]);
	bool works = pid > 0 && shows_life(ends[0]);
	close(ends[0]);
	if (pid > 0)
		process_stop(pid, STOP_MS);
	return works;
}

/* Blocks the signals that would end this process while the machine runs, so that QEMU can be ended first. */
static void hold_signals(sigset_t *held, sigset_t *old)
{
	sigemptyset(held);
	sigaddset(held, SIGINT);
	sigaddset(held, SIGTERM);
	sigaddset(held, SIGHUP);
	sigprocmask(SIG_BLOCK, held, old);
}

static int wait_for_end(pid_t pid, const sigset_t *held, struct error *err)
{
	static const struct timespec now = { 0 };
	char buffer[64];
	int status = 0, signal;

	while (!process_wait(pid, LOOK_MS, &status)) {
		signal = sigtimedwait(held, NULL, &now);
		if (signal > 0) {
			process_stop(pid, STOP_MS);
			return error_set(err, ERROR_FAILED, "the machine was stopped by signal %d (%s)", signal,
					 strsignal(signal));
		}
	}
	if (status != 0)
		return error_set(err, ERROR_FAILED, "QEMU: %s; its messages are above",
				 process_status_text(status, buffer, sizeof buffer));
	return 0;
}

int qemu_run(const struct qemu_plan *plan, const int *inherit, struct error *err)
{
	struct child child = { .inherit = inherit,
			       .terminal = plan->console ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : -1 };
	struct termios terminal;
	bool have_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	sigset_t held, old;
	int rc = -1;

	hold_signals(&held, &old);
	pid_t pid = start(plan, &child, STDOUT_FILENO, err);
	if (pid > 0)
		rc = wait_for_end(pid, &held, err);
	/* QEMU makes the terminal raw, and may have been killed. */
	if (have_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close_p(&child.terminal);
	return rc;
}
