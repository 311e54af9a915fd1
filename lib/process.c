/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"

#define TAIL_LINES 6
#define SETUP_FAILED 125 /* the child failed before execve(2); its error is in the failure pipe */

/* The last lines of a child, for the error text, and the line that is not complete yet. */
struct process_tail {
	char *line[TAIL_LINES]; /* owned */
	unsigned next;
	struct text partial;
};

static const char *name_of(const struct process *p)
{
	return p->name ? p->name : p->argv[0];
}

static void tail_done(struct process_tail *tail)
{
	for (size_t i = 0; i < TAIL_LINES; i++)
		free(tail->line[i]);
	text_done(&tail->partial);
}

static void tail_line(struct process_tail *tail, const struct process *p)
{
	char *line = text_take(&tail->partial);

	if (p->line)
		p->line(p->context, line);
	if (!*text_trim(line)) {
		free(line);
		return;
	}
	free(tail->line[tail->next % TAIL_LINES]);
	tail->line[tail->next++ % TAIL_LINES] = line;
}

static void tail_add(struct process_tail *tail, const struct process *p, const char *bytes, size_t n)
{
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;
		text_addn(&tail->partial, bytes, part);
		if (end)
			tail_line(tail, p);
		bytes += part + (end != NULL);
		n -= part + (end != NULL);
	}
}

static int child_failed(const struct process *p, int status, const struct process_tail *tail, struct error *err)
{
	CLEANUP(text_done) struct text reported = { 0 };
	char buffer[64];

	for (unsigned i = 0; i < TAIL_LINES; i++) {
		const char *line = tail->line[(tail->next + i) % TAIL_LINES];
		if (line)
			text_addf(&reported, "%s%s", reported.len ? " | " : "", line);
	}
	error_set(err, p->failure ? p->failure : ERROR_FAILED, "%s: %s", name_of(p),
		  process_status_text(status, buffer, sizeof buffer));
	return error_quote(err, "%s", reported.len ? reported.data : "");
}

const char *process_status_text(int status, char *buffer, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buffer, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buffer, size, "exit status %d", WEXITSTATUS(status));
	return buffer;
}

/* In the child: signals, descriptors, the caller's setup, execve(2). */
NORETURN static void child_exec(const struct process *p, int in, int out, int messages, int failure, pid_t parent)
{
	struct error err = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(SETUP_FAILED);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(messages, STDERR_FILENO);
	if (!p->setup || p->setup(p->context, &err) == 0) {
		if (p->env)
			execvpe(p->argv[0], p->argv, p->env);
		else
			execvp(p->argv[0], p->argv);
		if (errno == ENOENT)
			error_set(&err, ERROR_HOST,
				  "%s: no such program; `nodekiln doctor` names the package that has it", p->argv[0]);
		else
			error_errno(&err, errno, "run %s", p->argv[0]);
	}
	/* Without the report the parent still sees the exit status. */
	ssize_t written = write(failure, &err, sizeof err);
	(void)written;
	_exit(SETUP_FAILED);
}

static int input_fd(const struct process *p, struct error *err)
{
	int fd = p->input ? memfd_create("stdin", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "prepare stdin of %s", name_of(p));
	if (p->input && (write_all(fd, p->input, p->input_len) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return error_errno(err, errno, "prepare stdin of %s", name_of(p));
	}
	return fd;
}

static pid_t child_fork(const struct process *p, int out, int messages, int failure, struct error *err)
{
	CLEANUP(close_p) int in = input_fd(p, err);
	pid_t parent = getpid();

	if (in < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "start %s", name_of(p));
	if (pid == 0)
		child_exec(p, in, out, messages, failure, parent);
	return pid;
}

/* 0 when execve(2) succeeded; else -1 with the child's error, and the child is reaped. */
static int child_started(pid_t pid, int failure, struct error *err)
{
	struct error reported;
	ssize_t n;

	do
		n = read(failure, &reported, sizeof reported);
	while (n < 0 && errno == EINTR);
	if (n != sizeof reported)
		return 0;
	waitpid(pid, NULL, 0);
	*err = reported;
	return -1;
}

static int pipe_pair(int ends[2], struct error *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	return 0;
}

/* One stream of a running child. */
struct stream {
	int fd;                    /* borrowed; -1 = it has ended */
	struct process_tail *tail; /* borrowed; NULL: the stream is for the process's output */
};

/* Reads up to limit bytes of what is there; returns how many, 0 when the stream has ended. */
static size_t stream_read(struct stream *s, const struct process *p, size_t limit)
{
	char chunk[8192];
	ssize_t n;

	do
		n = read(s->fd, chunk, limit < sizeof chunk ? limit : sizeof chunk);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		s->fd = -1;
		return 0;
	}
	if (s->tail)
		tail_add(s->tail, p, chunk, (size_t)n);
	else
		text_addn(p->output, chunk, (size_t)n);
	return (size_t)n;
}

/* What the child had written when it ended, and no more: a process that it left behind may write without end. */
static void stream_finish(struct stream *s, const struct process *p)
{
	int left = 0;

	if (s->fd < 0 || ioctl(s->fd, FIONREAD, &left) < 0)
		return;
	for (size_t n = 1; left > 0 && n > 0; left -= (int)n)
		n = stream_read(s, p, (size_t)left);
}

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Reads both streams until the child has ended. Their ends are no sign of that: a process that it left behind has them open,
 * for as long as it runs. poll(2) ignores an fd of -1: a stream that has ended, or a kernel without pidfds. */
static int child_drain(const struct process *p, pid_t pid, struct stream streams[2], struct error *err)
{
	CLEANUP(close_p) int ended = pidfd_of(pid);
	struct pollfd fds[3] = { { .fd = ended, .events = POLLIN } };

	while (ended >= 0 || streams[0].fd >= 0 || streams[1].fd >= 0) {
		for (size_t i = 0; i < 2; i++)
			fds[i + 1] = (struct pollfd){ .fd = streams[i].fd, .events = POLLIN };
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno != EINTR)
				return error_errno(err, errno, "poll the output of %s", name_of(p));
			continue;
		}
		if (fds[0].revents)
			break;
		for (size_t i = 0; i < 2; i++)
			if (fds[i + 1].revents)
				stream_read(&streams[i], p, SIZE_MAX);
	}
	for (size_t i = 0; i < 2; i++)
		stream_finish(&streams[i], p);
	return 0;
}

int process_run(const struct process *p, struct error *err)
{
	CLEANUP(tail_done) struct process_tail tail = { 0 };
	int messages[2] = { -1, -1 }, output[2] = { -1, -1 }, failure[2] = { -1, -1 };
	int rc = -1, status = 0;

	if (pipe_pair(messages, err) < 0 || (p->output && pipe_pair(output, err) < 0) || pipe_pair(failure, err) < 0)
		goto out;
	pid_t pid = child_fork(p, p->output ? output[1] : messages[1], messages[1], failure[1], err);
	if (pid < 0)
		goto out;
	close_p(&messages[1]), close_p(&output[1]), close_p(&failure[1]);
	messages[1] = output[1] = failure[1] = -1;
	if (child_started(pid, failure[0], err) < 0)
		goto out;
	struct stream streams[2] = { { messages[0], &tail }, { output[0], NULL } };
	rc = child_drain(p, pid, streams, err);
	if (tail.partial.len)
		tail_line(&tail, p);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && status != 0)
		rc = child_failed(p, status, &tail, err);
out:
	for (int i = 0; i < 2; i++)
		close_p(&messages[i]), close_p(&output[i]), close_p(&failure[i]);
	return rc;
}

int process_capture(char *const *argv, struct text *ret_output, struct error *err)
{
	return process_run(&(struct process){ .argv = argv, .output = ret_output }, err);
}

pid_t process_start(const struct process *p, int output_fd, struct error *err)
{
	CLEANUP(close_p) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int failure[2] = { -1, -1 };
	int out = output_fd >= 0 ? output_fd : null;

	if (pipe_pair(failure, err) < 0)
		return -1;
	pid_t pid = child_fork(p, out, out, failure[1], err);
	close(failure[1]);
	if (pid > 0 && child_started(pid, failure[0], err) < 0)
		pid = -1;
	close(failure[0]);
	return pid;
}

int process_wait(pid_t pid, int milliseconds, int *ret_status)
{
	CLEANUP(close_p) int pidfd = pidfd_of(pid);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int status = 0;

	if (pidfd >= 0 && milliseconds >= 0 && poll(&ended, 1, milliseconds) == 0)
		return 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	if (ret_status)
		*ret_status = status;
	return 1;
}

void process_stop(pid_t pid, int milliseconds)
{
	kill(pid, SIGTERM);
	if (process_wait(pid, milliseconds, NULL))
		return;
	kill(pid, SIGKILL);
	process_wait(pid, -1, NULL);
}

bool process_exists(const char *program)
{
	const char *path = getenv("PATH");
	CLEANUP(free_p) char *dirs = xasprintf("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
	char *rest = dirs, *dir;

	while ((dir = strsep(&rest, ":"))) {
		CLEANUP(free_p) char *file = xasprintf("%s/%s", dir, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}
