/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/dirhash.h"

#include <stdio.h>
#include <string.h>

#include "builder/archive/tar.h"
#include "builder/cache/mapped_file.h"
#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/hash.h"
#include "lib/text.h"

/* "NAME\nHEX" each: sorted as by NAME, because no name contains a line break. */
static void finish(struct strings *files, char ret[DIRHASH_SIZE])
{
	CLEANUP(text_done) struct text lines = { 0 }, sum = { 0 };
	char hex[SHA256_HEX], bytes[SHA256_HEX / 2];

	strings_sort(files);
	for (size_t i = 0; i < files->n; i++) {
		const char *split = strchr(files->at[i], '\n');
		text_addf(&lines, "%s  %.*s\n", split + 1, (int)(split - files->at[i]), files->at[i]);
	}
	sha256_hex(lines.data ? lines.data : "", lines.len, hex);
	for (size_t i = 0; i < sizeof bytes; i++) {
		unsigned byte = 0;
		sscanf(hex + 2 * i, "%2x", &byte);
		bytes[i] = (char)byte;
	}
	base64_encode(bytes, sizeof bytes, &sum);
	snprintf(ret, DIRHASH_SIZE, "h1:%s", sum.data);
}

static int hash_member(struct tar_reader *r, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	const void *block;
	size_t n;
	off_t offset;
	int rc;

	while ((rc = tar_read_data(r, &block, &n, &offset, err)) > 0)
		hash_add(h, block, n);
	hash_hex(h, ret_hex);
	return rc;
}

static int hash_members(struct tar_reader *r, const char *name, struct strings *files, struct error *err)
{
	const struct tar_entry *entry;
	char hex[SHA256_HEX];
	int rc;

	while ((rc = tar_read_next(r, &entry, err)) > 0) {
		CLEANUP(free_p) char *path = xstrdup(entry->path);
		if (strchr(path, '\n'))
			return error_set(err, ERROR_TRUST, "%s has a file whose name contains a line break", name);
		if (S_ISDIR(entry->mode))
			continue;
		if (hash_member(r, hex, err) < 0)
			return -1;
		strings_addf(files, "%s\n%s", path, hex);
	}
	return rc;
}

int dirhash_zip(int fd, const char *name, char ret[DIRHASH_SIZE], struct error *err)
{
	CLEANUP(mapped_file_done) struct mapped_file zip = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(strings_done) struct strings files = { 0 };

	if (mapped_file_open(fd, name, &zip, err) < 0 || tar_read_zip(zip.bytes, zip.n, name, &r, err) < 0 ||
	    hash_members(r, name, &files, err) < 0) {
		err->class = ERROR_TRUST;
		return -1;
	}
	finish(&files, ret);
	return 0;
}

void dirhash_go_mod(const void *bytes, size_t n, char ret[DIRHASH_SIZE])
{
	CLEANUP(strings_done) struct strings files = { 0 };
	char hex[SHA256_HEX];

	sha256_hex(bytes, n, hex);
	strings_addf(&files, "go.mod\n%s", hex);
	finish(&files, ret);
}
