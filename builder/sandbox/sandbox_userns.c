/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/mount.h"
#include "builder/sandbox/sandbox_opaque.h"
#include "builder/sandbox/seccomp_notify.h"
#include "lib/alloc.h"
#include "lib/core_dump.h"
#include "lib/file.h"

#define MAP_MAX 16384 /* 340 lines, the kernel's limit */

static int keeper = -1; /* our end of the socket to it */

bool sandbox_userns_entered(void)
{
	return keeper >= 0;
}

void sandbox_userns_identity(const char *map, struct text *ret)
{
	unsigned inside, outside, count;
	int n;

	for (; sscanf(map, "%u %u %u%n", &inside, &outside, &count, &n) == 3; map += n)
		text_addf(ret, "%u %u %u\n", inside, inside, count);
}

/* The kernel takes a whole map in one write(2). */
static int write_map(pid_t pid, const char *kind, struct error *err)
{
	CLEANUP(free_p)
	char *ours = xasprintf("/proc/self/%s", kind), *theirs = xasprintf("/proc/%d/%s", (int)pid, kind);
	CLEANUP(text_done) struct text map = { 0 }, identity = { 0 };

	if (file_read(AT_FDCWD, ours, MAP_MAX, &map, err) < 0)
		return -1;
	sandbox_userns_identity(map.len ? map.data : "", &identity);
	CLEANUP(close_p) int fd = open(theirs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || !identity.len || write(fd, identity.data, identity.len) < 0)
		return error_errno(err, errno, "write %s in the sandbox", theirs);
	return 0;
}

static int write_maps(pid_t pid, struct error *err)
{
	return write_map(pid, "uid_map", err) < 0 ? -1 : write_map(pid, "gid_map", err);
}

#define REQUESTS STDIN_FILENO
#define LISTENER (STDIN_FILENO + 1)

/* An empty request is for the maps, any other is a path to unmount; the answer is a struct error. False at the end. */
static bool answer_request(pid_t pid)
{
	struct error err = { 0 };
	char path[PATH_MAX];
	ssize_t n = recv(REQUESTS, path, sizeof path - 1, 0);

	if (n <= 0)
		return false;
	path[n] = '\0';
	int rc = *path ? mount_detach(path, &err) : write_maps(pid, &err);
	if (rc < 0 && !err.class)
		err.class = ERROR_FAILED;
	return send(REQUESTS, &err, sizeof err, MSG_NOSIGNAL) >= 0;
}

/* The keeper ends when the last descriptor of the other end is closed, by exit or by execve(2); with a listener, when no
 * process is left that could call. Nothing else stays open: the reader of a pipe would wait for its end. */
NORETURN static void keep(int socket, pid_t pid, const char *opaque_below)
{
	if (dup2(socket, REQUESTS) < 0 || close_range(REQUESTS + 1, ~0U, 0) < 0)
		_exit(1);
	if (opaque_below && answer_request(pid) && seccomp_notify_receive(REQUESTS) == LISTENER) {
		while (sandbox_opaque_answer(LISTENER, opaque_below))
			;
		_exit(0);
	}
	while (answer_request(pid))
		;
	_exit(0);
}

/* A child of the sandbox's init process: the program must not find a child that it has not started. */
static int start_keeper(int socket, const char *opaque_below, struct error *err)
{
	pid_t pid = getpid(), parent = fork();

	if (parent == 0) {
		pid_t child = fork();
		if (child == 0)
			keep(socket, pid, opaque_below);
		_exit(child < 0);
	}
	int status = -1;
	if (parent < 0 || waitpid(parent, &status, 0) < 0 || status)
		return error_errno(err, errno, "start the keeper of the sandbox");
	return 0;
}

static int ask(const char *path, struct error *err)
{
	struct error answer = { 0 };

	/* With the final NUL, so that the empty request is a message too. */
	if (send(keeper, path, strlen(path) + 1, MSG_NOSIGNAL) < 0 ||
	    recv(keeper, &answer, sizeof answer, 0) != sizeof answer)
		return error_set(err, ERROR_FAILED, "the keeper of the sandbox has ended");
	if (!answer.class)
		return 0;
	*err = answer;
	return -1;
}

static int make_namespace(struct error *err)
{
	if (unshare(CLONE_NEWUSER) == 0)
		return ask("", err);
	error_errno(err, errno,
		    "make a user namespace for the programs of the sandbox; allow them: sysctl "
		    "user.max_user_namespaces, and for a container its rules for unshare(2)");
	err->class = ERROR_HOST;
	return -1;
}

int sandbox_userns_enter(bool mounts, const char *opaque_below, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "make a pair of sockets");
	keeper = ends[0];
	int rc = start_keeper(ends[1], opaque_below, err);
	close(ends[1]);
	if (rc < 0 || make_namespace(err) < 0)
		return -1;
	if (mounts && unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "make the mount namespace of the sandbox's programs");
	/* In sandbox_call() this process stays what it is, next to programs of the same ids and rights, and its descriptors lead
	 * to the host: /proc/PID/fd, mem and root are closed to them. */
	core_dump_disable();
	return 0;
}

int sandbox_userns_unmount(const char *path, struct error *err)
{
	return ask(path, err);
}

int sandbox_userns_send_listener(int listener, struct error *err)
{
	return seccomp_notify_send(keeper, listener, err);
}
