/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recompresses packages: a copy of the cache's files/HEX whose data.tar is in zstd instead of xz, which most packages
 * use and which takes five times as long to decompress. Made when a package is unpacked for the first time, and kept in
 * the cache as repacked/HEX. A .deb like any other (deb(5)), except for its digest.
 */
#include "builder/cache/cache.h"
#include "builder/cache/mapped_file.h"
#include "lib/error.h"

/* Maps the recompressed form of the package whose digest is sha256 and which is in the cache; the original if it is not
 * in xz, or if the cache cannot be written to. name: for messages. */
int deb_recompress_open(struct cache *cache, const char *sha256, const char *name, struct mapped_file *ret,
			struct error *err) MUST_CHECK;
/* Part of the above: 1 if the recompressed package was written to fd (an empty file), 0 if it is not in xz, -1 on
 * error. */
int deb_recompress_write(const struct mapped_file *package, const char *name, int fd, struct error *err) MUST_CHECK;
