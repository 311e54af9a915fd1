/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_tarball.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "lib/file.h"
#include "lib/node_config.h"

/* As tar_zstd_end, with the size in four bytes. */
static const unsigned char seed_end[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x04, 0x00, 0x00, 0x03, 0x20, 0x00, 0x00,
};

static bool ends_in(int fd, off_t size, const unsigned char *end, size_t n)
{
	unsigned char found[sizeof seed_end];

	return size >= (off_t)n && pread_all(fd, found, n, size - (off_t)n) == 0 && !memcmp(found, end, n);
}

bool seed_tarball_is(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && ends_in(fd, st.st_size, seed_end, sizeof seed_end);
}

static int check_base(int base, const char *name, off_t *ret_size, struct error *err)
{
	struct stat st;

	if (fstat(base, &st) < 0)
		return error_errno(err, errno, "stat %s", name);
	if (ends_in(base, st.st_size, seed_end, sizeof seed_end))
		return error_set(err, ERROR_INPUT,
				 "%s is a node's seed already; start from the image that it was made from", name);
	if (!ends_in(base, st.st_size, tar_zstd_end, TAR_END_SIZE))
		return error_set(
			err, ERROR_INPUT,
			"%s does not end as a .tar.zst of nodekiln does (the archive's end in a frame of its own), so "
			"nothing can be added to it; build the image again",
			name);
	*ret_size = st.st_size;
	return 0;
}

int seed_tarball_check(int base, const char *base_name, struct error *err)
{
	off_t size;

	return check_base(base, base_name, &size, err);
}

static int write_member(int out, const struct text *node, struct error *err)
{
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
	const struct tar_entry entry = {
		.path = "." NODE_CONFIG_FILE,
		.mode = S_IFREG | 0600,
		.size = node->len,
		.mtime = time(NULL),
	};

	if (tar_write_fd(out, COMPRESSION_ZSTD, 0, &w, err) < 0 || tar_write_entry(w, &entry, err) < 0 ||
	    tar_write_data(w, node->data, node->len, err) < 0)
		return -1;
	return tar_write_end(w, err);
}

/* Seeks to n bytes before the end of the file. */
static int step_back(int fd, off_t n, struct error *err)
{
	off_t to = lseek(fd, -n, SEEK_END);

	if (to < 0 || ftruncate(fd, to) < 0)
		return error_errno(err, errno, "seek in the seed");
	return 0;
}

int seed_tarball(int base, const char *base_name, const struct text *node, int out, struct error *err)
{
	off_t size;

	if (check_base(base, base_name, &size, err) < 0)
		return -1;
	if (lseek(base, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "read %s", base_name);
	if (copy_all(base, out, err) < 0)
		return error_wrap(err, "copy %s", base_name);
	if (step_back(out, TAR_END_SIZE, err) < 0 || write_member(out, node, err) < 0 ||
	    step_back(out, TAR_END_SIZE, err) < 0)
		return -1;
	if (write_all(out, seed_end, sizeof seed_end) < 0)
		return error_errno(err, errno, "write the seed's end");
	return 0;
}
