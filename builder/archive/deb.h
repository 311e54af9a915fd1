/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A .deb in memory: an ar archive of debian-binary, control.tar.* and data.tar.*, in this order (deb(5)). The
 * control files are small and read at once; the data archive is read as a stream.
 */
#include "builder/archive/tar.h"
#include "lib/error.h"
#include "lib/vec.h"

#define DEB_CONTROL_MAX (16u << 20) /* bytes of all control files together; the kernel's biggest is far below 1 MiB */
#define DEB_CONTROL_FILES_MAX 64

struct deb_file {
	char *name;          /* owned; "postinst": a plain name, never "." or "..", no '/' */
	struct text content; /* owned */
	mode_t mode;         /* permissions */
};

struct deb {
	const char *name;    /* borrowed; for messages */
	const uint8_t *data; /* borrowed; data.tar.* */
	size_t data_size;
	VEC(struct deb_file) control;
};

/* bytes and name are borrowed for the lifetime of *ret. A damaged or hostile file is ERROR_FAILED with what
 * is wrong. */
int deb_open(const uint8_t *bytes, size_t n, const char *name, struct deb *ret, struct error *err) MUST_CHECK;
/* The content of a control file; NULL when there is none. */
const char *deb_control(const struct deb *deb, const char *name);
/* A reader of data.tar.*; the caller frees it. */
int deb_data(const struct deb *deb, struct tar_reader **ret, struct error *err) MUST_CHECK;
void deb_done(struct deb *deb);
