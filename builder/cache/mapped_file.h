/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file's bytes, to be read where they are.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define MAPPED_FILE_MAX (8ull << 30) /* bytes */

struct mapped_file {
	const uint8_t *bytes;
	size_t n; /* never 0 while it is one */
};

/* fd stays the caller's, and may be closed. An empty or too large file is ERROR_FAILED; name is for messages. */
int mapped_file_open(int fd, const char *name, struct mapped_file *ret, struct error *err) MUST_CHECK;
void mapped_file_done(struct mapped_file *m); /* accepts a zeroed value */
