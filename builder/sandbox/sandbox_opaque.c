/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_opaque.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/sandbox/seccomp_notify.h"
#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/text.h"

#define OPAQUE "trusted.overlay.opaque"
#define NAME_BYTES 256 /* the kernel's limit of an attribute's name */

/* Opens the directory at path, which is relative to the directory `in`, without following a link or leaving it. */
static int open_below(int in, const char *path)
{
	const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, in, path, &how, sizeof how);
}

static int open_directory(pid_t pid, const char *below, const char *path)
{
	CLEANUP(free_p) char *place = xasprintf("/proc/%d/root", (int)pid);
	CLEANUP(close_p) int root = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_p) int store = root < 0 ? -1 : open_below(root, below + 1);

	return store < 0 ? -1 : open_below(store, path);
}

/* NULL when path is not below the directory. */
static const char *relative(const char *path, const char *below)
{
	size_t n = strlen(below);

	return !strncmp(path, below, n) && path[n] == '/' ? path + n + strspn(path + n, "/") : NULL;
}

static long mark(pid_t pid, const char *below, const char *path)
{
	CLEANUP(close_p) int fd = open_directory(pid, below, path);

	return fd < 0 || fsetxattr(fd, OPAQUE, "y", 1, 0) < 0 ? -errno : 0;
}

static void answer(int listener, const struct seccomp_notif *request, const char *below)
{
	const uint64_t *args = (const uint64_t *)request->data.args;
	pid_t pid = (pid_t)request->pid;
	char path[PATH_MAX], name[NAME_BYTES], value;

	/* The path and the attribute are used as they are read here. What the kernel continues with may be other bytes, but with
	 * the caller's own rights. */
	if (!seccomp_notify_read_text(pid, args[1], name, sizeof name) || !text_same(name, OPAQUE) || args[3] != 1 ||
	    seccomp_notify_read(pid, args[2], &value, 1) != 1 || value != 'y' ||
	    !seccomp_notify_read_text(pid, args[0], path, sizeof path) || !relative(path, below) ||
	    !seccomp_notify_waits(listener, request))
		seccomp_notify_continue(listener, request);
	else
		seccomp_notify_reply(listener, request, mark(pid, below, relative(path, below)));
}

bool sandbox_opaque_answer(int listener, const char *below)
{
	return seccomp_notify_answer(listener, answer, below);
}
