/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A temporary file of unknown size, with a limit: it begins in memory (memfd_create(2)) and is moved to the disk (O_TMPFILE) when
 * it grows beyond its share of the memory. Both files are made when it is opened, so that it can be written where nothing can be opened
 * any more. They disappear with their descriptors, even after SIGKILL.
 */
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define SPOOL_MAX (64ull << 30)    /* bytes of content, holes not counted */
#define SPOOL_RESERVE (1ull << 30) /* of the disk that stay free */
#define SPOOL_MEMORY_MAX (4ull << 30)
#define SPOOL_MEMORY_SHARE 2 /* at most half of the memory that is free when it is opened */

struct spool {
	int fd;        /* owned; where the content is: a sparse file that can be read and written at any place */
	int disk;      /* owned; -1 once the content is there, or when no file could be made */
	uint64_t held; /* bytes that were reserved */
	uint64_t memory, limit;
	char *directory; /* owned; $TMPDIR, else /var/tmp */
};
#define SPOOL_EMPTY                                                                                                    \
	{                                                                                                              \
		.fd = -1, .disk = -1                                                                                   \
	}

int spool_open(struct spool *ret, struct error *err) MUST_CHECK;
/* Call it before `more` bytes are written to fd: moves the content to the disk when it becomes too large for the memory. ERROR_SPACE
 * beyond the limit, or when the disk lacks the space. */
int spool_reserve(struct spool *s, uint64_t more, struct error *err) MUST_CHECK;
void spool_close(struct spool *s);
