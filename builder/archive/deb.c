/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/deb.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/archive/extract.h"

#define AR_MAGIC "!<arch>\n"
#define AR_MAGIC_LEN 8

/* All fields are text, padded with spaces; a member begins at an even offset. */
struct ar_header {
	char name[16], mtime[12], uid[6], gid[6], mode[8], size[10], end[2];
};
_Static_assert(sizeof(struct ar_header) == 60, "an ar header has 60 bytes");

struct ar {
	const uint8_t *bytes;
	size_t n, at;
};

struct ar_member {
	char name[17];
	const uint8_t *bytes;
	size_t n;
};

static int damaged(const char *name, const char *what, struct error *err)
{
	return error_set(err, ERROR_FAILED, "%s is not a valid Debian package: %s", name, what);
}

/* Decimal digits, then spaces. */
static bool ar_number(const char *field, size_t width, size_t *ret)
{
	size_t value = 0, i = 0;

	for (; i < width && isdigit((unsigned char)field[i]); i++)
		value = value * 10 + (size_t)(field[i] - '0');
	*ret = value;
	if (i == 0)
		return false;
	while (i < width && field[i] == ' ')
		i++;
	return i == width;
}

/* GNU ar ends names with '/', dpkg-deb does not. */
static void ar_name(const char *field, char ret[17])
{
	size_t n = 16;

	while (n && (field[n - 1] == ' ' || field[n - 1] == '/'))
		n--;
	memcpy(ret, field, n);
	ret[n] = '\0';
}

static bool ar_next(struct ar *ar, struct ar_member *ret)
{
	struct ar_header header;

	if (ar->at > ar->n || ar->n - ar->at < sizeof header)
		return false;
	memcpy(&header, ar->bytes + ar->at, sizeof header);
	ar->at += sizeof header;
	if (memcmp(header.end, "`\n", 2) || !ar_number(header.size, sizeof header.size, &ret->n) ||
	    ret->n > ar->n - ar->at)
		return false;
	ar_name(header.name, ret->name);
	ret->bytes = ar->bytes + ar->at;
	ar->at += ret->n + (ret->n & 1);
	return true;
}

/* Skips members whose name begins with '_', as deb(5) demands. */
static bool ar_find(struct ar *ar, const char *prefix, struct ar_member *ret)
{
	do
		if (!ar_next(ar, ret))
			return false;
	while (ret->name[0] == '_');
	return text_starts(ret->name, prefix);
}

static int read_content(struct tar_reader *r, const struct deb *deb, size_t *total, struct text *ret, struct error *err)
{
	const void *block;
	size_t n;
	off_t offset;
	int rc;

	while ((rc = tar_read_data(r, &block, &n, &offset, err)) > 0) {
		*total += n;
		if (*total > DEB_CONTROL_MAX || offset != (off_t)ret->len)
			return damaged(deb->name, "its control files are too large or have holes", err);
		text_addn(ret, block, n);
	}
	text_addn(ret, "", 0);
	return rc;
}

static int read_control_file(struct deb *deb, struct tar_reader *r, const struct tar_entry *e, size_t *total,
			     struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	char path[TAR_PATH_MAX + 1];

	if (extract_path(e->path, path, err) < 0)
		return error_wrap(err, "%s", deb->name);
	if (S_ISDIR(e->mode) && !*path)
		return 0;
	if (!S_ISREG(e->mode) || e->original || !*path || strchr(path, '/'))
		return damaged(deb->name, "its control archive contains more than plain files", err);
	if (deb->control.n == DEB_CONTROL_FILES_MAX)
		return damaged(deb->name, "it has too many control files", err);
	if (deb_control(deb, path))
		return damaged(deb->name, "it has a control file twice", err);
	if (read_content(r, deb, total, &content, err) < 0)
		return -1;
	if (memchr(content.data, '\0', content.len))
		return damaged(deb->name, "a control file contains null bytes", err);
	vec_push(&deb->control,
		 (struct deb_file){ .name = xstrdup(path), .content = content, .mode = e->mode & 07777 });
	content = (struct text){ 0 };
	return 0;
}

static int read_control(struct deb *deb, const struct ar_member *member, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	size_t total = 0;
	int rc;

	if (tar_read_memory(member->bytes, member->n, deb->name, &r, err) < 0)
		return -1;
	while ((rc = tar_read_next(r, &e, err)) > 0)
		if (read_control_file(deb, r, e, &total, err) < 0)
			return -1;
	if (rc == 0 && !deb_control(deb, "control"))
		return damaged(deb->name, "it has no control file", err);
	return rc;
}

int deb_open(const uint8_t *bytes, size_t n, const char *name, struct deb *ret, struct error *err)
{
	CLEANUP(deb_done) struct deb deb = { .name = name };
	struct ar ar = { .bytes = bytes, .n = n, .at = AR_MAGIC_LEN };
	struct ar_member version, control, data;

	if (n < AR_MAGIC_LEN || memcmp(bytes, AR_MAGIC, AR_MAGIC_LEN))
		return damaged(name, "it is not an ar archive", err);
	if (!ar_next(&ar, &version) || strcmp(version.name, "debian-binary") || version.n < 4 ||
	    memcmp(version.bytes, "2.", 2))
		return damaged(name, "its format is not 2.x", err);
	if (!ar_find(&ar, "control.tar", &control))
		return damaged(name, "control.tar is missing, misplaced or truncated", err);
	if (!ar_find(&ar, "data.tar", &data))
		return damaged(name, "data.tar is missing, misplaced or truncated", err);
	if (read_control(&deb, &control, err) < 0)
		return -1;
	deb.data = data.bytes;
	deb.data_size = data.n;
	*ret = TAKE(deb);
	return 0;
}

const char *deb_control(const struct deb *deb, const char *name)
{
	for (size_t i = 0; i < deb->control.n; i++)
		if (!strcmp(deb->control.at[i].name, name))
			return deb->control.at[i].content.data;
	return NULL;
}

int deb_data(const struct deb *deb, struct tar_reader **ret, struct error *err)
{
	return tar_read_memory(deb->data, deb->data_size, deb->name, ret, err);
}

void deb_done(struct deb *deb)
{
	for (size_t i = 0; i < deb->control.n; i++) {
		free(deb->control.at[i].name);
		text_done(&deb->control.at[i].content);
	}
	vec_done(&deb->control);
}
