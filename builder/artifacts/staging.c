/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/artifacts/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/file.h"

/* How long to wait for the jobs of a build that has just been killed, which still hold the lock. */
#define PATIENCE_MS 3000
#define PAUSE_MS 20

static int lock_patiently(int fd)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += PAUSE_MS) {
		if (errno != EINTR && (errno != EWOULDBLOCK || waited >= PATIENCE_MS))
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int staging_enter(int dirfd, const char *name, bool *ret_made, bool *ret_busy, struct error *err)
{
	*ret_busy = false;
	for (;;) {
		bool made = mkdirat(dirfd, name, 0700) == 0;
		if (!made && errno != EEXIST)
			return error_errno(err, errno, "create directory %s", name);
		CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return error_errno(err, errno, "open directory %s", name);
		if (file_check_own(fd, name, S_IWGRP | S_IWOTH, err) < 0)
			return -1;
		if (lock_patiently(fd) < 0) {
			*ret_busy = errno == EWOULDBLOCK;
			return error_errno(err, errno, "lock directory %s", name);
		}
		if (!file_still_there(dirfd, name, fd))
			continue;
		*ret_made = made;
		return TAKE_FD(fd);
	}
}
