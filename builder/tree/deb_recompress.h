/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A package as it is unpacked: the .deb of files/HEX with its data.tar in zstd instead of xz, which most packages come in and which
 * takes five times as long to read. Made when a package is unpacked for the first time, kept in the cache as repacked/HEX. A .deb like
 * any other (deb(5)), but for its digest.
 */
#include "builder/cache/cache.h"
#include "builder/cache/mapped_file.h"
#include "lib/error.h"

/* The package whose digest is sha256, which the cache has; as it came where that is as quick, or where the cache takes nothing. */
int deb_recompress_open(struct cache *cache, const char *sha256, const char *name, struct mapped_file *ret,
			struct error *err) MUST_CHECK;
/* Part: 1 when fd (empty) got the package packed anew, 0 when it is as quick as it came, -1. */
int deb_recompress_write(const struct mapped_file *package, const char *name, int fd, struct error *err) MUST_CHECK;
