/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hash "h1:" of go.sum: the SHA-256, in base64, of the lines "HEX  NAME\n" of all files, sorted by name; HEX is the SHA-256
 * of the file (golang.org/x/mod/sumdb/dirhash, Hash1).
 */
#include <stddef.h>

#include "lib/error.h"

#define DIRHASH_SIZE 48 /* "h1:", 44 characters, a NUL */

/* Of a module's zip file; fd is borrowed. A damaged zip is ERROR_TRUST; name is for messages. */
int dirhash_zip(int fd, const char *name, char ret[DIRHASH_SIZE], struct error *err) MUST_CHECK;
/* Of a go.mod file: as if it were the only file. */
void dirhash_go_mod(const void *bytes, size_t n, char ret[DIRHASH_SIZE]);
