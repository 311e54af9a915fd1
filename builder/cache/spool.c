/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"

#define COPY_CHUNK (1u << 20)

static uint64_t free_memory(void)
{
	long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

int spool_open(struct spool *ret, struct error *err)
{
	const char *directory = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	uint64_t memory = free_memory() / SPOOL_MEMORY_SHARE;

	*ret = (struct spool){ .memory = memory < SPOOL_MEMORY_MAX ? memory : SPOOL_MEMORY_MAX,
			       .limit = SPOOL_MAX,
			       .directory = xstrdup(directory),
			       .fd = memfd_create("nodekiln", MFD_CLOEXEC),
			       .disk = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) };
	if (ret->fd < 0)
		return error_errno(err, errno, "make a temporary file in memory");
	return 0;
}

/* Copies the data and leaves the holes. */
static int copy(int from, int to, struct error *err)
{
	CLEANUP(free_p) char *buffer = xmalloc(COPY_CHUNK);
	off_t at = 0, end;
	struct stat st;

	if (fstat(from, &st) < 0 || ftruncate(to, st.st_size) < 0)
		return error_errno(err, errno, "move a temporary file to the disk");
	while ((at = lseek(from, at, SEEK_DATA)) >= 0 && (end = lseek(from, at, SEEK_HOLE)) > at)
		for (; at < end; at += COPY_CHUNK) {
			size_t n = end - at < COPY_CHUNK ? (size_t)(end - at) : COPY_CHUNK;
			if (pread_all(from, buffer, n, at) < 0 || pwrite_all(to, buffer, n, at) < 0)
				return error_errno(err, errno, "move a temporary file to the disk");
		}
	return 0;
}

static int move_to_disk(struct spool *s, struct error *err)
{
	if (s->disk < 0)
		return error_set(
			err, ERROR_SPACE,
			"%s of temporary data do not fit into the memory, and no temporary file can be made in %s; set "
			"TMPDIR to use another directory",
			text_bytes(s->held), s->directory);
	uint64_t space = file_free_space(s->disk);
	if (space < SPOOL_RESERVE || s->held > space - SPOOL_RESERVE)
		return error_set(err, ERROR_SPACE,
				 "%s of temporary data do not fit into %s, which has %s free; set TMPDIR to use "
				 "another directory",
				 text_bytes(s->held), s->directory, text_bytes(space));
	if (copy(s->fd, s->disk, err) < 0)
		return -1;
	close(s->fd);
	s->fd = TAKE_FD(s->disk);
	s->memory = 0;
	return 0;
}

int spool_reserve(struct spool *s, uint64_t more, struct error *err)
{
	if (more > s->limit || s->held > s->limit - more)
		return error_set(err, ERROR_SPACE, "it holds more than %s, the limit for an image's contents",
				 text_bytes(s->limit));
	s->held += more;
	if (s->memory)
		return s->held > s->memory ? move_to_disk(s, err) : 0;
	if (file_free_space(s->fd) < SPOOL_RESERVE)
		return error_set(err, ERROR_SPACE, "%s has less than %s free; set TMPDIR to use another directory",
				 s->directory, text_bytes(SPOOL_RESERVE));
	return 0;
}

void spool_close(struct spool *s)
{
	close_p(&s->fd);
	close_p(&s->disk);
	free(s->directory);
	s->directory = NULL;
}
