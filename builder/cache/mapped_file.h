/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file mapped read-only into memory (mmap(2)).
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define MAPPED_FILE_MAX (8ull << 30) /* bytes */

struct mapped_file {
	const uint8_t *bytes;
	size_t n; /* 0 = not mapped */
};

/* fd is borrowed, and may be closed afterwards. A file that is empty or larger than MAPPED_FILE_MAX is
 * ERROR_FAILED; name is for messages. */
int mapped_file_open(int fd, const char *name, struct mapped_file *ret, struct error *err) MUST_CHECK;
void mapped_file_done(struct mapped_file *m); /* accepts a zeroed value */
