/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_chroot_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "builder/sandbox/sandbox_setup.h"
#include "builder/sandbox/seccomp.h"
#include "builder/sandbox/seccomp_notify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define NAME_BYTES 256     /* of a path below /proc/self, or of an attribute's name */
#define BUFFER_BYTES 65536 /* the most that is copied in or out: an attribute's value */

/* Linux 5.19: a call that the supervisor has received is not interrupted any more. Programs do not expect
 * EINTR from stat(2), and dash, which installs its SIGCHLD handler without SA_RESTART, would get it. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1u << 5)
#endif

/* The positions of a call's arguments; 0 means none, except in path. */
struct proc_call {
	long number;
	unsigned char path, name, in, out, flags; /* flags: of open */
	unsigned short size;                      /* of in or out; 0: the argument after the pointer is the size */
	bool link;                                /* the result is a path */
	bool top;                                 /* answered for /proc itself too, so that it looks like procfs */
};
static const struct proc_call calls[] = {
#ifdef SYS_open
	{ SYS_open, .path = 0, .flags = 1 },
	{ SYS_stat, .path = 0, .out = 1, .size = sizeof(struct stat) },
	{ SYS_lstat, .path = 0, .out = 1, .size = sizeof(struct stat) },
	{ SYS_access, .path = 0 },
	{ SYS_readlink, .path = 0, .out = 1, .link = true },
	{ SYS_chmod, .path = 0 },
	{ SYS_chown, .path = 0 },
	{ SYS_lchown, .path = 0 },
#endif
	{ SYS_openat, .path = 1, .flags = 2 },
	{ SYS_newfstatat, .path = 1, .out = 2, .size = sizeof(struct stat) },
	{ SYS_statx, .path = 1, .out = 4, .size = sizeof(struct statx) },
	{ SYS_faccessat, .path = 1 },
	{ SYS_faccessat2, .path = 1 },
	{ SYS_readlinkat, .path = 1, .out = 2, .link = true },
	{ SYS_fchmodat, .path = 1 },
	{ SYS_fchownat, .path = 1 },
	{ SYS_utimensat, .path = 1, .in = 2, .size = 2 * sizeof(struct timespec) },
	{ SYS_statfs, .path = 0, .out = 1, .size = sizeof(struct statfs), .top = true },
	{ SYS_getxattr, .path = 0, .name = 1, .out = 2 },
	{ SYS_setxattr, .path = 0, .name = 1, .in = 2 },
	{ SYS_listxattr, .path = 0, .out = 1 },
	{ SYS_removexattr, .path = 0, .name = 1 },
};

/* Prefixes of a path, and what each is below /proc/PID. */
static const struct {
	const char *prefix, *below;
} places[] = {
	{ "/proc/self", "" },      { "/proc/thread-self", "" }, { "/dev/fd", "/fd" },
	{ "/dev/stdin", "/fd/0" }, { "/dev/stdout", "/fd/1" },  { "/dev/stderr", "/fd/2" },
};

#define FILTER_FIXED 7 /* instructions in addition to one for each call */

static size_t make_filter(struct sock_filter ret[ARRAY_SIZE(calls) + FILTER_FIXED])
{
	size_t n = 0;

	ret[n++] = (struct sock_filter)FILTER_LOOK_AT(arch);
	ret[n++] = (struct sock_filter)FILTER_IS(FILTER_NATIVE, 1, 0);
	ret[n++] = (struct sock_filter)FILTER_ANSWER(SECCOMP_RET_ALLOW);
	ret[n++] = (struct sock_filter)FILTER_LOOK_AT(nr);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		ret[n++] = (struct sock_filter)FILTER_IS((unsigned)calls[i].number,
							 (unsigned char)(ARRAY_SIZE(calls) - i + 1), 0);
	ret[n++] = (struct sock_filter)FILTER_IS(SYS_uname, 1, 0);
	ret[n++] = (struct sock_filter)FILTER_ANSWER(SECCOMP_RET_ALLOW);
	ret[n++] = (struct sock_filter)FILTER_ANSWER(SECCOMP_RET_USER_NOTIF);
	return n;
}

/* Makes the listener with the first set of flags that the kernel knows. */
static int make_listener(struct error *err)
{
	static const unsigned flags[] = { SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
					  SECCOMP_FILTER_FLAG_NEW_LISTENER };
	struct sock_filter filter[ARRAY_SIZE(calls) + FILTER_FIXED];
	size_t n = make_filter(filter);
	int listener = -1;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && listener < 0; i++)
		listener = seccomp_install(filter, n, flags[i], err);
	return listener;
}

int sandbox_chroot_proc_install(int socket, struct error *err)
{
	CLEANUP(close_p) int listener = make_listener(err);

	if (listener < 0 || seccomp_notify_send(socket, listener, err) < 0)
		return -1;
	/* Check that it works: otherwise packages would be configured differently. */
	CLEANUP(close_p) int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return 0;
	error_errno(
		err, errno,
		"emulate /proc/self in the sandbox, which needs Linux 5.14 and a container whose processes may read "
		"each other's memory (/proc/PID/mem); allow that, or use --cap-add SYS_ADMIN");
	err->class = ERROR_HOST;
	return -1;
}

static bool write_memory(int listener, const struct seccomp_notif *request, uint64_t address, const void *from,
			 size_t n)
{
	CLEANUP(close_p) int fd = seccomp_notify_memory((pid_t)request->pid, O_WRONLY);

	return seccomp_notify_waits(listener, request) && pwrite(fd, from, n, (off_t)address) == (ssize_t)n;
}

/* True when path is below directory (a process's /proc/PID), without leading upwards or through a magic link:
 * outside, such a link leads out of the tree. */
static bool is_below(const char *directory, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	CLEANUP(close_p) int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	path += strspn(path, "/");
	CLEANUP(close_p) int fd = (int)syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof how);
	return fd >= 0;
}

/* "/proc/N/comm" and "/proc/N/environ", of a process that has the same root: outside they have the same path. */
static bool is_of_other(const char *path, const char *root)
{
	static const char *const shown[] = { "/comm", "/environ" };
	char their[PATH_MAX] = { 0 };
	unsigned number;
	int n = 0;

	if (sscanf(path, "/proc/%u%n", &number, &n) != 1)
		return false;
	CLEANUP(free_p) char *link = xasprintf("/proc/%u/root", number);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		if (!strcmp(path + n, shown[i]))
			return readlink(link, their, sizeof their - 1) > 0 && !strcmp(their, root);
	return false;
}

/* Translates path into the path outside the chroot. False for a path that is not emulated. */
static bool translate(const struct proc_call *call, pid_t pid, const char *root, const char *path,
		      char to[NAME_BYTES * 2])
{
	if (call->top && (text_same(path, "/proc") || text_same(path, "/proc/"))) {
		strcpy(to, "/proc");
		return true;
	}
	if (is_of_other(path, root)) {
		snprintf(to, NAME_BYTES * 2, "%s", path);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t n = strlen(places[i].prefix);
		if (strncmp(path, places[i].prefix, n) || (path[n] && path[n] != '/'))
			continue;
		CLEANUP(free_p) char *self = xasprintf("/proc/%d", (int)pid);
		CLEANUP(free_p) char *below = xasprintf("%s%s", places[i].below, path + n);
		snprintf(to, NAME_BYTES * 2, "%s%s", self, below);
		return is_below(self, below);
	}
	return false;
}

static const struct proc_call *find_call(long number)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* One call that is made in place of the caller. */
struct emulated_call {
	const struct proc_call *call;
	int listener;                        /* borrowed */
	const struct seccomp_notif *request; /* borrowed */
	char path[NAME_BYTES * 2], name[NAME_BYTES];
	char *buffer; /* borrowed; BUFFER_BYTES */
	size_t size;
};

/* Reads the call's arguments from the caller's memory; false when the kernel has to continue the call. */
static bool emulated_call_read(struct emulated_call *e, const char *root)
{
	const uint64_t *args = (const uint64_t *)e->request->data.args;
	pid_t pid = (pid_t)e->request->pid;
	char path[NAME_BYTES];
	unsigned buffer = e->call->in ? e->call->in : e->call->out;

	if (!seccomp_notify_read_text(pid, args[e->call->path], path, sizeof path) ||
	    !translate(e->call, pid, root, path, e->path) ||
	    (e->call->name && !seccomp_notify_read_text(pid, args[e->call->name], e->name, sizeof e->name)))
		return false;
	if (!buffer || !args[buffer])
		return true;
	e->size = e->call->size ? e->call->size : args[buffer + 1];
	if (e->size > BUFFER_BYTES)
		e->size = BUFFER_BYTES;
	return !e->call->in || seccomp_notify_read(pid, args[buffer], e->buffer, e->size) == (ssize_t)e->size;
}

static long emulated_call_perform(const struct emulated_call *e)
{
	const struct proc_call *c = e->call;
	uint64_t args[6];
	unsigned buffer = c->in ? c->in : c->out;

	memcpy(args, e->request->data.args, sizeof args);
	args[c->path] = (uintptr_t)e->path;
	if (c->name)
		args[c->name] = (uintptr_t)e->name;
	if (buffer && args[buffer])
		args[buffer] = (uintptr_t)e->buffer;
	if (buffer && !c->size)
		args[buffer + 1] = e->size;
	if (c->flags)
		args[c->flags] |= O_CLOEXEC;
	long rc = syscall(c->number, args[0], args[1], args[2], args[3], args[4], args[5]);
	return rc < 0 ? -errno : rc;
}

/* Turns a path outside into the path inside the chroot by removing root from its beginning. Returns the new length. */
static long shorten(char *path, size_t n, const char *root)
{
	size_t skip = strlen(root);

	if (n < skip || strncmp(path, root, skip) || (n > skip && path[skip] != '/'))
		return (long)n;
	if (n == skip)
		return 1; /* root itself is "/", the first character of every path */
	memmove(path, path + skip, n - skip);
	return (long)(n - skip);
}

/* Writes the result into the caller's memory. */
static long emulated_call_write(const struct emulated_call *e, long rc)
{
	size_t n = e->call->size ? e->size : (size_t)rc;
	uint64_t address = e->request->data.args[e->call->out];

	if (!e->call->out || rc < 0 || !e->size || !n)
		return rc;
	return write_memory(e->listener, e->request, address, e->buffer, n) ? rc : -EFAULT;
}

/* Installs fd in the caller and returns its number there as the result of the call. Closes fd. */
static int install_fd(const struct emulated_call *e, int fd)
{
	struct seccomp_notif_addfd add = { .id = e->request->id,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .srcfd = (unsigned)fd,
					   .newfd_flags = e->request->data.args[e->call->flags] & O_CLOEXEC };

	int rc = ioctl(e->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static long answer_uname(int listener, const struct seccomp_notif *request)
{
	struct utsname names;

	if (uname(&names) < 0)
		return -errno;
	snprintf(names.nodename, sizeof names.nodename, "%s", SANDBOX_HOSTNAME);
	return write_memory(listener, request, request->data.args[0], &names, sizeof names) ? 0 : -EFAULT;
}

static void answer(int listener, const struct seccomp_notif *request, const char *root)
{
	static char buffer[BUFFER_BYTES];
	struct emulated_call e = {
		.call = find_call(request->data.nr), .listener = listener, .request = request, .buffer = buffer
	};

	if (request->data.nr == SYS_uname) {
		seccomp_notify_reply(listener, request, answer_uname(listener, request));
		return;
	}
	if (!e.call || !emulated_call_read(&e, root) || !seccomp_notify_waits(listener, request)) {
		seccomp_notify_continue(listener, request);
		return;
	}
	long rc = emulated_call_perform(&e);
	if (e.call->flags && rc >= 0 && (rc = install_fd(&e, (int)rc)) == 0)
		return;
	if (e.call->link && rc > 0)
		rc = shorten(buffer, (size_t)rc, root);
	seccomp_notify_reply(listener, request, emulated_call_write(&e, rc));
}

bool sandbox_chroot_proc_answer(int listener, const char *root)
{
	return seccomp_notify_answer(listener, answer, root);
}
