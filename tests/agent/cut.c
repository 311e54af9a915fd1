/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: SIGKILL around the CUT_AT'th (from 1) replacement of the agent's state file: before it when CUT_BEFORE is set, else
 * after. CUT_COUNT names a file that gets a byte for each replacement. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int seen;

static void count(void)
{
	const char *file = getenv("CUT_COUNT");
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

	if (fd >= 0 && write(fd, ".", 1) == 1)
		close(fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	int (*real)(int, const char *, int, const char *) =
		(int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");
	int state = !strcmp(to, "state"), at = getenv("CUT_AT") ? atoi(getenv("CUT_AT")) : 0;

	if (state) {
		count();
		if (++seen == at && getenv("CUT_BEFORE"))
			kill(getpid(), SIGKILL);
	}
	int rc = real(from_fd, from, to_fd, to);
	if (state && seen == at)
		kill(getpid(), SIGKILL);
	return rc;
}
