/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/seccomp_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/text.h"

/* Linux 6.6: the caller and the supervisor take turns on one CPU, which avoids most of the waiting. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1u
#endif

/* Control data of a message that carries one descriptor. */
union file_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int seccomp_notify_send(int socket, int fd, struct error *err)
{
	union file_control control = { 0 };
	struct iovec nothing = { "", 1 };
	const struct msghdr message = {
		.msg_iov = &nothing, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};

	control.header = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	if (sendmsg(socket, &message, 0) < 0)
		return error_errno(err, errno, "send the seccomp listener to the sandbox's supervisor");
	return 0;
}

int seccomp_notify_receive(int socket)
{
	union file_control control = { 0 };
	char byte;
	struct iovec nothing = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &nothing, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && control.header.cmsg_type == SCM_RIGHTS &&
	    control.header.cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	if (fd >= 0)
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return fd;
}

int seccomp_notify_memory(pid_t pid, int flags)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/mem", (int)pid);

	return open(path, flags | O_CLOEXEC);
}

ssize_t seccomp_notify_read(pid_t pid, uint64_t address, void *to, size_t n)
{
	CLEANUP(close_p) int fd = seccomp_notify_memory(pid, O_RDONLY);

	return pread(fd, to, n, (off_t)address);
}

bool seccomp_notify_read_text(pid_t pid, uint64_t address, char *to, size_t size)
{
	ssize_t n = seccomp_notify_read(pid, address, to, size);

	return n > 0 && memchr(to, '\0', (size_t)n);
}

bool seccomp_notify_waits(int listener, const struct seccomp_notif *request)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id) == 0;
}

void seccomp_notify_continue(int listener, const struct seccomp_notif *request)
{
	struct seccomp_notif_resp response = { .id = request->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void seccomp_notify_reply(int listener, const struct seccomp_notif *request, long rc)
{
	struct seccomp_notif_resp response = { .id = request->id,
					       .val = rc < 0 ? 0 : rc,
					       .error = rc < 0 ? (int)rc : 0 };

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

bool seccomp_notify_answer(int listener, seccomp_notify_fn *fn, const char *context)
{
	union {
		struct seccomp_notif request;
		char space[512]; /* the struct of a newer kernel may be larger */
	} u = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &u) == 0)
		fn(listener, &u.request, context);
	else if (errno != EINTR && errno != ENOENT)
		return false;
	return true;
}
