/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Small .debs made in memory, sound ones and such as dpkg-deb would never write. Sizes and bytes are the maker's to choose, so a
 * test says what is wrong with its package in one line.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "lib/file.h"
#include "tests/unit/check.h"

/* {path, content} is a regular file with 0644; anything else names its fields. */
struct maker_member {
	const char *path, *content, *target, *original;
	mode_t mode; /* 0: by path's last character a directory 0755 or a file 0644 */
	const char *xattr, *xattr_value;
	size_t size; /* of content, 0: up to its NUL */
};

#define MAKER_TIME 1600000000

static inline struct tar_entry maker_entry(const struct maker_member *m)
{
	mode_t mode = m->mode ? m->mode : text_ends(m->path, "/") ? S_IFDIR | 0755 : S_IFREG | 0644;

	return (struct tar_entry){
		.path = m->path,
		.target = m->target,
		.original = m->original,
		.mode = m->target ? S_IFLNK | 0777 : mode,
		.uid = getuid(),
		.gid = getgid(),
		.size = m->size      ? m->size
			: m->content ? strlen(m->content)
				     : 0,
		.mtime = MAKER_TIME,
	};
}

/* A tar of members up to one with no path. */
static inline void maker_tar(const struct maker_member *m, enum compression compression, struct text *ret)
{
	CLEANUP(close_p) int fd = memfd_create("tar", MFD_CLOEXEC);
	CLEANUP(tar_writer_free_p) struct tar_writer *w = NULL;
	struct error err = { 0 };
	char chunk[4096];
	ssize_t n;

	if (tar_write_fd(fd, compression, 1, &w, &err) < 0)
		abort();
	for (; m->path; m++) {
		struct tar_entry e = maker_entry(m);
		struct tar_xattr x = { m->xattr, m->xattr_value, m->xattr ? strlen(m->xattr_value) : 0 };
		e.xattr = &x;
		e.xattrs = m->xattr != NULL;
		if (tar_write_entry(w, &e, &err) < 0 || tar_write_data(w, m->content, e.size, &err) < 0)
			abort();
	}
	if (tar_write_end(w, &err) < 0)
		abort();
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		text_addn(ret, chunk, (size_t)n);
}

static inline void maker_ar(struct text *deb, const char *name, const void *bytes, size_t n)
{
	text_addf(deb, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", n);
	text_addn(deb, bytes, n);
	if (n & 1)
		text_add(deb, "\n");
}

/* control: members of control.tar ("./control" among them); data: of data.tar. */
static inline void maker_deb(const struct maker_member *control, const struct maker_member *data, struct text *ret)
{
	CLEANUP(text_done) struct text c = { 0 }, d = { 0 };

	maker_tar(control, COMPRESSION_ZLIB, &c);
	maker_tar(data, COMPRESSION_ZSTD, &d);
	text_add(ret, "!<arch>\n");
	maker_ar(ret, "debian-binary", "2.0\n", 4);
	maker_ar(ret, "control.tar.gz", c.data, c.len);
	maker_ar(ret, "data.tar.zst", d.data, d.len);
}
