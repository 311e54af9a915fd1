/* SPDX-License-Identifier: Apache-2.0 */
/* Run by the script of a hostile package while it is configured: tries each way out of the sandbox that it knows, and
 * prints one line for each, "WAY name: open" or "WAY name: closed (why)". tests/e2e/sandbox.py makes it a package.
 *
 *	escapes CANARY PORT SOCKET KEY PID DEVICE NAMESPACES
 *
 * What the host has for it to find: the path of a file, a listener on loopback and on an abstract socket, a key in the
 * session of the builder, a process, a block device (MAJOR:MINOR), and the builder's user and cgroup namespaces. */
#include "escapes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char **host;

bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* In a process of its own: a way that is open may change what the next one finds. */
static void try_way(const struct way *way)
{
	pid_t pid = fork();

	if (pid == 0) {
		errno = 0;
		bool open = way->try();
		printf("WAY %s: %s%s%s\n", way->name, open ? "open" : "closed", open || !errno ? "" : ", ",
		       open || !errno ? "" : strerror(errno));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	static const struct way *const kinds[] = { file_ways, call_ways, process_ways };
	size_t n = 0;

	host = argv;
	if (argc != ARGUMENTS)
		return 2;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (const struct way *way = kinds[k]; way->name; way++, n++)
			try_way(way);
	printf("WAYS %zu\n", n);
	return 0;
}
