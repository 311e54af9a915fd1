/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/extract.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/macro.h"
#include "lib/text.h"

#define CONFFILE_MAX (64u << 20) /* read into memory for its MD5 */

static const char *const merged[] = { "bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32" };

/* Length of path's first component if that is a link into usr/, else 0. */
static size_t merged_prefix(const char *path)
{
	size_t n = strcspn(path, "/");

	for (size_t i = 0; i < ARRAY_SIZE(merged); i++)
		if (strlen(merged[i]) == n && !strncmp(path, merged[i], n))
			return n;
	return 0;
}

void unpack_merge_usr(const char *path, char ret[TAR_PATH_MAX + 1])
{
	size_t n = strlen(path), add = merged_prefix(path) ? strlen("usr/") : 0;

	/* Cut off: the kernel refuses so long a path anyway. */
	if (n > TAR_PATH_MAX - add)
		n = TAR_PATH_MAX - add;
	memmove(ret + add, path, n);
	memcpy(ret, "usr/", add);
	ret[add + n] = '\0';
}

/* An archive member with its paths: in the package, in the tree, and of the hard link's target. */
struct unpack_member {
	struct tar_entry entry;
	char shipped[TAR_PATH_MAX + 1], path[TAR_PATH_MAX + 1], original[TAR_PATH_MAX + 1];
};

static int member_of(const struct tar_entry *e, struct unpack_member *ret, struct error *err)
{
	ret->entry = *e;
	if (extract_path(e->path, ret->shipped, err) < 0)
		return -1;
	if (strchr(ret->shipped, '\n'))
		return error_set(err, ERROR_FAILED, "a file name contains a line break, which dpkg cannot list");
	if (S_ISCHR(e->mode) || S_ISBLK(e->mode))
		return error_set(err, ERROR_FAILED, "it ships a device node, %s; images cannot contain any",
				 ret->shipped);
	if (S_ISDIR(e->mode) != 0 && !*ret->shipped)
		ret->path[0] = '\0';
	else
		unpack_merge_usr(ret->shipped, ret->path);
	if (!e->original)
		return 0;
	if (extract_path(e->original, ret->original, err) < 0)
		return -1;
	unpack_merge_usr(ret->original, ret->original);
	ret->entry.original = ret->original;
	return 0;
}

/* The links /bin -> usr/bin and so on are made with the tree; newer base-files ship them too. */
static bool is_merge_link(const struct unpack_member *m)
{
	return S_ISLNK(m->entry.mode) && merged_prefix(m->shipped) == strlen(m->shipped);
}

static int put_conffile(struct extract *x, struct tar_reader *r, const struct unpack_member *m, struct text *conffiles,
			struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	char md5[MD5_HEX];

	if (m->entry.size > CONFFILE_MAX)
		return error_set(err, ERROR_FAILED, "conffile %s is larger than the limit of %s", m->shipped,
				 text_bytes(CONFFILE_MAX));
	if (extract_entry(x, r, &m->entry, m->path, &content, err) < 0)
		return -1;
	md5_hex(content.data ? content.data : "", content.len, md5);
	text_addf(conffiles, " /%s %s\n", m->shipped, md5);
	return 0;
}

struct data_pass {
	const struct unpack *unpack;
	const struct strings *conffile_paths;
	struct text *list, *conffiles;
};

static int put_member(const struct data_pass *pass, struct extract *x, struct tar_reader *r,
		      const struct unpack_member *m, struct error *err)
{
	const struct unpack *u = pass->unpack;

	text_addf(pass->list, "/%s\n", *m->shipped ? m->shipped : ".");
	if (is_merge_link(m) || !file_conflicts_add(u->conflicts, m->path, u->number, &m->entry))
		return 0;
	/* Mode, owner and time are set at the end, when all packages that ship the directory are known. */
	if (S_ISDIR(m->entry.mode))
		return extract_directory(x, m->path, err);
	CLEANUP(free_p) char *absolute = xasprintf("/%s", m->shipped);
	if (S_ISREG(m->entry.mode) && !m->entry.original && strings_has(pass->conffile_paths, absolute))
		return put_conffile(x, r, m, pass->conffiles, err);
	return extract_entry(x, r, &m->entry, m->path, NULL, err);
}

static int put_data(const struct data_pass *pass, const struct deb *deb, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(extract_done) struct extract x = { .rootfd = pass->unpack->rootfd, .parentfd = -1 };
	const struct tar_entry *e;
	struct unpack_member m;
	int rc;

	if (deb_data(deb, &r, err) < 0)
		return -1;
	while ((rc = tar_read_next(r, &e, err)) > 0)
		if (member_of(e, &m, err) < 0 || put_member(pass, &x, r, &m, err) < 0)
			return -1;
	return rc;
}

static int write_info(int infofd, const char *id, const struct deb_file *file, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.%s", id, file->name);
	CLEANUP(close_p) int fd = openat(infofd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write_all(fd, file->content.data, file->content.len) < 0 || fchmod(fd, file->mode) < 0)
		return error_errno(err, errno, "write dpkg's info/%s", name);
	return 0;
}

/* All control files except for the control paragraph, which becomes a stanza of status. info/ID.list is written by
 * tree_unpack.c. */
static int write_infos(const struct unpack *u, const struct deb *deb, const char *id, struct error *err)
{
	for (size_t i = 0; i < deb->control.n; i++) {
		const struct deb_file *file = &deb->control.at[i];
		if (!strcmp(file->name, "list"))
			return error_set(err, ERROR_FAILED,
					 "it ships a control file named list, which is reserved for dpkg");
		if (strcmp(file->name, "control") && write_info(u->infofd, id, file, err) < 0)
			return -1;
	}
	return 0;
}

int unpack_deb(const struct unpack *u, const struct deb *deb, struct unpacked *ret, struct error *err)
{
	CLEANUP(unpacked_done) struct unpacked out = { 0 };
	CLEANUP(strings_done) struct strings conffile_paths = { 0 };
	CLEANUP(text_done) struct text conffiles = { 0 };
	const char *control = deb_control(deb, "control");
	const char *triggers = deb_control(deb, "triggers"), *conffiles_file = deb_control(deb, "conffiles");
	struct data_pass pass = { u, &conffile_paths, &out.list, &conffiles };

	if (dpkgdb_parse(control, &out.package, err) < 0)
		return -1;
	out.id = dpkgdb_id(&out.package);
	if (dpkgdb_conffiles(conffiles_file ? conffiles_file : "", &conffile_paths, err) < 0 ||
	    dpkgdb_interests(triggers ? triggers : "", out.id, &out.interests, err) < 0 ||
	    write_infos(u, deb, out.id, err) < 0 || put_data(&pass, deb, err) < 0)
		return -1;
	dpkgdb_stanza(control, conffiles.data ? conffiles.data : "", &out.stanza);
	*ret = TAKE(out);
	return 0;
}

int unpack_again(const struct unpack *u, const struct deb *deb, const struct strings *paths, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(extract_done) struct extract x = { .rootfd = u->rootfd, .parentfd = -1 };
	const struct tar_entry *e;
	struct unpack_member m;
	int rc;

	if (deb_data(deb, &r, err) < 0)
		return -1;
	while ((rc = tar_read_next(r, &e, err)) > 0)
		if (member_of(e, &m, err) < 0 ||
		    (strings_has(paths, m.path) && extract_entry(&x, r, &m.entry, m.path, NULL, err) < 0))
			return -1;
	return rc;
}

void unpacked_done(struct unpacked *u)
{
	dpkgdb_done(&u->package);
	free_p(&u->id);
	text_done(&u->list);
	text_done(&u->stanza);
	text_done(&u->interests);
	*u = (struct unpacked){ 0 };
}
