/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/alloc.h"
#include "lib/file.h"

#define LOOKS_MAX 10
#define LOCKS_MAX (1 << 20) /* bytes of /proc/locks */

pid_t seed_wait_holder(const char *locks, ino_t inode)
{
	/* "1: FLOCK  ADVISORY  WRITE 4711 fd:01:131090 0 EOF"; who waits has "1: -> FLOCK". The device is not that of stat(2) on every
	 * file system. */
	for (const char *line = locks; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		int pid = 0;
		uintmax_t found = 0;
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%ju ", &pid, &found) == 2 && found == inode && pid > 0)
			return pid;
	}
	return 0;
}

static pid_t find_holder(ino_t inode)
{
	CLEANUP(text_done) struct text locks = { 0 };
	struct error ignored = { 0 };

	if (file_read(AT_FDCWD, "/proc/locks", LOCKS_MAX, &locks, &ignored) < 0 || !locks.len)
		return 0;
	return seed_wait_holder(locks.data, inode);
}

/* 1: it is locked. -1: it was replaced just now, as its owner does when it writes it. */
static int look(const char *file, ino_t *ret_inode)
{
	CLEANUP(close_p) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	*ret_inode = st.st_ino;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	return file_still_there(AT_FDCWD, file, fd) ? 0 : -1;
}

char *seed_wait_text(const char *file)
{
	ino_t inode;
	int rc = -1;

	for (int i = 0; rc < 0 && i < LOOKS_MAX; i++)
		rc = look(file, &inode);
	if (rc <= 0)
		return NULL;
	pid_t pid = find_holder(inode);
	CLEANUP(free_p) char *who = pid ? xasprintf(" (process %ld)", (long)pid) : xstrdup("");
	return xasprintf("%s is in use by another run%s; waiting until it has ended", file, who);
}
