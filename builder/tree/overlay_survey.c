/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/overlay_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/kept_xattr.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/vec.h"

#define NAMED_MAX 3 /* paths in one sentence */

/* name: the path in the overlay, without a leading '/'. */
typedef int entry_fn(void *context, const char *overlay, const char *name, const FTSENT *e, struct error *err);

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(const char *overlay, entry_fn *fn, void *context, struct error *err)
{
	char *roots[] = { (char *)overlay, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	const FTSENT *e;
	int rc = 0;

	if (!fts)
		return error_errno(err, errno, "read %s", overlay);
	while (rc == 0 && (errno = 0, e = fts_read(fts))) {
		const char *name = e->fts_path + strlen(overlay);
		if (e->fts_level > 0 && e->fts_info != FTS_DP && e->fts_info != FTS_ERR && e->fts_info != FTS_DNR)
			rc = fn(context, overlay, name + strspn(name, "/"), e, err);
	}
	if (rc == 0 && errno)
		rc = error_errno(err, errno, "read %s", overlay);
	fts_close(fts);
	return rc;
}

/* An entry that is no link, with the names of the extended attributes that images keep; returns a descriptor, or -1. */
static int open_with_xattrs(const FTSENT *e, struct strings *ret, struct error *err)
{
	CLEANUP(close_p) int fd = openat(AT_FDCWD, e->fts_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open %s", e->fts_path);
	if (kept_xattr_names(fd, ret) < 0)
		return error_errno(err, errno, "list the extended attributes of %s", e->fts_path);
	return TAKE_FD(fd);
}

enum odd { ODD_RIGHTS, ODD_CAPABILITIES, ODD_WRITABLE, ODD_LINK, ODD_KINDS };
static const char *const odd_texts[ODD_KINDS] = {
	[ODD_RIGHTS] =
		"set-user-ID or set-group-ID: in the image they run with the rights of root, and `verify` reports them",
	[ODD_CAPABILITIES] = "file capabilities: in the image they have them, and `verify` reports them",
	[ODD_WRITABLE] = "every user may write them here; in the image only root may",
	[ODD_LINK] = "links to places that no guest has",
};

struct oddities {
	struct strings of[ODD_KINDS];
};

/* Directories that guests have, in which a link may end. Those of users and of temporary files are empty. */
static const char *const guest_places[] = { "bin",    "boot",  "dev", "etc", "lib",  "lib32", "lib64",
					    "libx32", "media", "mnt", "opt", "proc", "root",  "run",
					    "sbin",   "srv",   "sys", "usr", "var" };

static bool is_guest_place(const char *overlay, const char *target)
{
	CLEANUP(free_p) char *first = xstrndup(target, strcspn(target, "/"));
	CLEANUP(free_p) char *own = xasprintf("%s/%s", overlay, first);

	for (size_t i = 0; i < ARRAY_SIZE(guest_places); i++)
		if (!*first || !strcmp(first, guest_places[i]))
			return true;
	return faccessat(AT_FDCWD, own, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether `..` leads above the overlay: name is the link's own path. */
static bool leads_above(const char *name, const char *target)
{
	int depth = 0;

	for (const char *at = name; (at = strchr(at, '/')); at++)
		depth++;
	for (const char *part = target; *part && depth >= 0; part += strspn(part, "/")) {
		size_t len = strcspn(part, "/");
		if (len == 2 && !strncmp(part, "..", 2))
			depth--;
		else if (len != 1 || *part != '.')
			depth++;
		part += len;
	}
	return depth < 0;
}

static bool is_odd_link(const char *overlay, const char *name, const char *target)
{
	return *target == '/' ? !is_guest_place(overlay, target + strspn(target, "/")) : leads_above(name, target);
}

static int look_at_link(struct oddities *o, const char *overlay, const char *name, const FTSENT *e, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(AT_FDCWD, e->fts_path, target, sizeof target - 1);

	if (n < 0)
		return error_errno(err, errno, "read the link %s", e->fts_path);
	target[n] = '\0';
	if (is_odd_link(overlay, name, target))
		strings_addf(&o->of[ODD_LINK], "%s -> %s", name, target);
	return 0;
}

static int look_at_capabilities(struct oddities *o, const char *name, const FTSENT *e, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int fd = open_with_xattrs(e, &names, err);

	if (fd < 0)
		return -1;
	if (strings_has(&names, "security.capability"))
		strings_add(&o->of[ODD_CAPABILITIES], name);
	return 0;
}

static int look(void *oddities, const char *overlay, const char *name, const FTSENT *e, struct error *err)
{
	struct oddities *o = oddities;
	mode_t mode = e->fts_statp->st_mode;

	if (S_ISLNK(mode))
		return look_at_link(o, overlay, name, e, err);
	if (mode & S_IWOTH)
		strings_add(&o->of[ODD_WRITABLE], name);
	if (!S_ISREG(mode))
		return 0;
	if (mode & (S_ISUID | S_ISGID))
		strings_add(&o->of[ODD_RIGHTS], name);
	return look_at_capabilities(o, name, e, err);
}

int overlay_survey_odd(const char *overlay, struct strings *ret, struct error *err)
{
	struct oddities o = { 0 };
	int rc = walk(overlay, look, &o, err);

	for (size_t kind = 0; kind < ODD_KINDS; kind++) {
		const struct strings *of = &o.of[kind];
		CLEANUP(text_done) struct text paths = { 0 };
		for (size_t i = 0; i < of->n && i < NAMED_MAX; i++)
			text_addf(&paths, "%s%s", i ? ", " : "", of->at[i]);
		if (of->n > NAMED_MAX)
			text_addf(&paths, " and %zu more", of->n - NAMED_MAX);
		if (of->n)
			strings_addf(ret, "%s (%s)", paths.data, odd_texts[kind]);
		strings_done(&o.of[kind]);
	}
	return rc;
}

/* The first name of a file that has several. */
struct first_name {
	dev_t device;
	ino_t inode;
	char *name; /* owned */
};

struct extras {
	struct hash *hash;
	VEC(struct first_name) first;
};

static const char *first_name(struct extras *x, const struct stat *st, const char *name)
{
	for (size_t i = 0; i < x->first.n; i++)
		if (x->first.at[i].device == st->st_dev && x->first.at[i].inode == st->st_ino)
			return x->first.at[i].name;
	vec_push(&x->first, (struct first_name){ st->st_dev, st->st_ino, xstrdup(name) });
	return NULL;
}

static int add_xattrs(struct hash *h, const char *name, const FTSENT *e, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(close_p) int fd = open_with_xattrs(e, &names, err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(text_done) struct text value = { 0 };
		char digest[SHA256_HEX];
		if (kept_xattr_read(fd, names.at[i], &value) < 0)
			return error_errno(err, errno, "read %s of %s", names.at[i], e->fts_path);
		sha256_hex(value.len ? value.data : "", value.len, digest);
		hash_field(h, "attribute of", name);
		hash_field(h, names.at[i], digest);
	}
	return 0;
}

static int add_extras(void *extras, const char *overlay UNUSED, const char *name, const FTSENT *e, struct error *err)
{
	struct extras *x = extras;
	const struct stat *st = e->fts_statp;
	const char *first = S_ISREG(st->st_mode) && st->st_nlink > 1 ? first_name(x, st, name) : NULL;

	if (first) {
		hash_field(x->hash, "hard link", name);
		hash_field(x->hash, "to", first);
	}
	if (file_is_sparse(st))
		hash_field(x->hash, "sparse", name);
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? add_xattrs(x->hash, name, e, err) : 0;
}

int overlay_survey_digest(struct hash *h, const char *overlay, struct error *err)
{
	struct extras x = { .hash = h };
	int rc = walk(overlay, add_extras, &x, err);

	for (size_t i = 0; i < x.first.n; i++)
		free(x.first.at[i].name);
	vec_done(&x.first);
	return rc;
}
