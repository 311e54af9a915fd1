/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/tmpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_SHARE 2 /* use at most half of the memory that is free now */

static uint64_t free_memory(void)
{
	long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

int tmpfile_open(uint64_t need, struct error *err)
{
	const char *directory = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	int fd = -1;

	if (need < free_memory() / MEMORY_SHARE)
		fd = memfd_create("nodekiln", MFD_CLOEXEC);
	if (fd < 0)
		fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "make a temporary file in %s (set TMPDIR to use another directory)",
				   directory);
	return fd;
}
