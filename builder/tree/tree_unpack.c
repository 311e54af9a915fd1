/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/extract.h"
#include "builder/job/workers.h"
#include "builder/tree/deb_recompress.h"
#include "builder/tree/tree.h"
#include "builder/tree/tree_database.h"
#include "builder/tree/unpack.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

struct unpack_result {
	struct unpacked unpacked;
	struct error err;
	struct strings lost, again; /* paths that another package keeps; that must be unpacked again */
};

struct unpacking {
	struct tree_packages packages;    /* borrowed */
	struct cache *cache;              /* borrowed */
	int rootfd, infofd;               /* owned */
	struct file_conflicts *conflicts; /* owned */
	size_t *order;                    /* owned; largest first, so that none is left to a single thread at the end */
	struct unpack_result *result;     /* owned; one per package */
	atomic_size_t next;
	atomic_bool failed;
};

/* Fails only for a lock that was edited by hand: the digest already identifies the package. */
static int check_identity(const struct lock_package *p, const struct dpkgdb_package *is, struct error *err)
{
	if (!strcmp(p->name, is->name) && !strcmp(p->version, is->version) &&
	    !strcmp(p->architecture, is->architecture))
		return 0;
	return error_set(err, ERROR_INPUT,
			 "the lock says %s %s (%s), but the package is %s %s (%s); run `nodekiln lock`", p->name,
			 p->version, p->architecture, is->name, is->version, is->architecture);
}

static struct unpack unpack_for(const struct unpacking *w, size_t i)
{
	return (struct unpack){ w->rootfd, w->infofd, w->conflicts, (unsigned)i };
}

static int unpack_one(struct unpacking *w, size_t i, bool again, struct error *err)
{
	const struct lock_package *p = &w->packages.at[i];
	struct unpack_result *r = &w->result[i];
	CLEANUP(mapped_file_done) struct mapped_file mapping = { 0 };
	CLEANUP(deb_done) struct deb deb = { 0 };
	struct unpack unpack = unpack_for(w, i);

	if (deb_recompress_open(w->cache, p->sha256, p->name, &mapping, err) < 0)
		return -1;
	if (deb_open(mapping.bytes, mapping.n, p->name, &deb, err) < 0)
		return -1;
	int rc = again ? unpack_again(&unpack, &deb, &r->again, err) : unpack_deb(&unpack, &deb, &r->unpacked, err);
	if (rc < 0)
		return error_wrap(err, "unpack %s", p->name);
	return check_identity(p, &r->unpacked.package, err);
}

static void unpack_thread(void *context)
{
	struct unpacking *w = context;

	while (!atomic_load(&w->failed)) {
		size_t turn = atomic_fetch_add(&w->next, 1);
		if (turn >= w->packages.n)
			break;
		size_t i = w->order[turn];
		if (unpack_one(w, i, false, &w->result[i].err) < 0)
			atomic_store(&w->failed, true);
	}
}

static int first_error(const struct unpacking *w, struct error *err)
{
	for (size_t i = 0; i < w->packages.n; i++)
		if (w->result[i].err.class != ERROR_NONE) {
			*err = w->result[i].err;
			return -1;
		}
	return 0;
}

/* Two packages ship one path: the one that replaces the other keeps it. */
static int settle(struct unpacking *w, const struct file_conflict *c, struct error *err)
{
	struct unpack_result *owner = &w->result[c->owner], *rival = &w->result[c->rival];
	const struct dpkgdb_package *po = &owner->unpacked.package, *pr = &rival->unpacked.package;

	if (c->kinds_differ)
		return error_set(err, ERROR_FAILED,
				 "/%s is a directory in one of %s and %s and something else in the other", c->path,
				 po->name, pr->name);
	if (dpkgdb_replaces(po, pr)) {
		strings_add(&rival->lost, c->path);
		return 0;
	}
	if (!dpkgdb_replaces(pr, po))
		return error_set(err, ERROR_FAILED,
				 "/%s is in both %s and %s, and neither replaces the other; leave one of them out",
				 c->path, po->name, pr->name);
	strings_add(&owner->lost, c->path);
	strings_add(&rival->again, c->path);
	return 0;
}

static int settle_all(struct unpacking *w, struct error *err)
{
	const struct file_conflict *conflict;
	size_t n = file_conflicts_find(w->conflicts, &conflict);

	for (size_t i = 0; i < n; i++)
		if (settle(w, &conflict[i], err) < 0)
			return -1;
	for (size_t i = 0; n && i < w->packages.n; i++)
		if (w->result[i].again.n && unpack_one(w, i, true, err) < 0)
			return -1;
	return 0;
}

/* The list without the paths that other packages keep. */
static void kept_list(const struct unpack_result *r, struct text *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(r->unpacked.list.data ? r->unpacked.list.data : "");
	char path[TAR_PATH_MAX + 1];
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		unpack_merge_usr(line + 1, path);
		if (!strings_has(&r->lost, path))
			text_addf(ret, "%s\n", line);
	}
}

static int write_list(const struct unpacking *w, const struct unpack_result *r, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.list", r->unpacked.id);
	CLEANUP(text_done) struct text kept = { 0 };
	const struct text *list = &r->unpacked.list;

	if (r->lost.n) {
		kept_list(r, &kept);
		list = &kept;
	}
	return file_write(w->infofd, name, list->data ? list->data : "", list->len, 0644, err);
}

static int write_database(const struct unpacking *w, bool layer, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 }, interests = { 0 };

	text_add(&status, "");
	text_add(&interests, "");
	for (size_t i = 0; i < w->packages.n; i++) {
		const struct unpacked *u = &w->result[i].unpacked;
		text_addn(&status, u->stanza.data, u->stanza.len);
		text_addn(&interests, u->interests.data, u->interests.len);
		if (write_list(w, &w->result[i], err) < 0)
			return -1;
	}
	if (file_write_in(w->rootfd, layer ? LAYER_STATUS : DPKG_STATUS, status.data, status.len, 0644, err) < 0)
		return -1;
	return layer ? file_write_in(w->rootfd, LAYER_INTERESTS, interests.data, interests.len, 0644, err)
		     : tree_add_interests(w->rootfd, interests.data, err);
}

static int stamp_directory(void *context, const struct file_conflicts_entry *entry, struct error *err)
{
	return extract_stamp(context, entry->path, &entry->stamp, err);
}

static int stamp_directories(struct unpacking *w, struct error *err)
{
	CLEANUP(extract_done) struct extract x = { .rootfd = w->rootfd, .parentfd = -1 };

	return file_conflicts_each_directory(w->conflicts, stamp_directory, &x, err);
}

static int compare_sizes(const void *a, const void *b, void *packages)
{
	const struct lock_package *at = packages;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (at[x].size != at[y].size)
		return at[x].size > at[y].size ? -1 : 1;
	return x < y ? -1 : 1;
}

static int unpacking_open(struct unpacking *w, const char *root, struct tree_packages packages, struct cache *cache,
			  struct error *err)
{
	*w = (struct unpacking){ .packages = packages, .cache = cache, .infofd = -1 };
	w->rootfd = dir_open(AT_FDCWD, root, err);
	w->conflicts = file_conflicts_new();
	w->result = xcalloc(packages.n + 1, sizeof *w->result);
	w->order = xcalloc(packages.n + 1, sizeof *w->order);
	for (size_t i = 0; i < packages.n; i++)
		w->order[i] = i;
	qsort_r(w->order, packages.n, sizeof *w->order, compare_sizes, (void *)packages.at);
	if (w->rootfd < 0 || dir_make_in(w->rootfd, DPKG_INFO, 0755, err) < 0)
		return -1;
	w->infofd = file_open_in(w->rootfd, DPKG_INFO, O_RDONLY | O_DIRECTORY, 0);
	if (w->infofd < 0)
		return error_errno(err, errno, "open %s/%s", root, DPKG_INFO);
	return 0;
}

static void unpacking_done(struct unpacking *w)
{
	for (size_t i = 0; i < w->packages.n; i++) {
		unpacked_done(&w->result[i].unpacked);
		strings_done(&w->result[i].lost);
		strings_done(&w->result[i].again);
	}
	free(w->result);
	free(w->order);
	file_conflicts_free_p(&w->conflicts);
	close_p(&w->infofd);
	close_p(&w->rootfd);
}

/* The dynamic loader's directory, for architectures whose ABI does not use /lib. */
static const struct {
	const char *architecture, *directory;
} loaders[] = { { "amd64", "lib64" }, { "ppc64el", "lib64" }, { "loong64", "lib64" } };

static const char *native_architecture(struct tree_packages packages)
{
	for (size_t i = 0; i < packages.n; i++)
		if (strcmp(packages.at[i].architecture, "all"))
			return packages.at[i].architecture;
	return "all";
}

static int make_merged(int rootfd, const char *name, struct error *err)
{
	CLEANUP(free_p) char *target = xasprintf("usr/%s", name);

	if (dir_make_in(rootfd, target, 0755, err) < 0)
		return -1;
	if (symlinkat(target, rootfd, name) < 0)
		return error_errno(err, errno, "create the link %s", name);
	return 0;
}

/* Runs first: /bin and the others must be links into /usr whatever paths the packages use. */
static int prepare_base(int rootfd, struct tree_packages packages, struct error *err)
{
	static const char *const always[] = { "bin", "sbin", "lib" };
	const char *architecture = native_architecture(packages);

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (make_merged(rootfd, always[i], err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
		if (!strcmp(architecture, loaders[i].architecture) &&
		    make_merged(rootfd, loaders[i].directory, err) < 0)
			return -1;
	return 0;
}

/* Makes the files that dpkg and the first maintainer scripts expect in a freshly unpacked system. */
static int finish_base(int rootfd, struct tree_packages packages, struct error *err)
{
	CLEANUP(free_p) char *arch = xasprintf("%s\n", native_architecture(packages));

	/* dash installs /bin/sh when it is configured; scripts need it earlier. */
	if (file_exists_in(rootfd, "usr/bin/dash") && !file_exists_in(rootfd, "usr/bin/sh") &&
	    symlinkat("dash", rootfd, "usr/bin/sh") < 0)
		return error_errno(err, errno, "create the link usr/bin/sh");
	if (file_write_in(rootfd, DPKG_INFO "/format", "1\n", 2, 0644, err) < 0)
		return -1;
	return file_write_in(rootfd, DPKG "/arch", arch, strlen(arch), 0644, err);
}

int tree_unpack(const char *root, struct tree_packages packages, struct cache *cache, bool layer, unsigned threads,
		struct error *err)
{
	CLEANUP(unpacking_done) struct unpacking w = { .rootfd = -1, .infofd = -1 };

	if (unpacking_open(&w, root, packages, cache, err) < 0 || (!layer && prepare_base(w.rootfd, packages, err) < 0))
		return -1;
	workers_run(workers_size(threads), unpack_thread, &w);
	if (first_error(&w, err) < 0 || settle_all(&w, err) < 0 || write_database(&w, layer, err) < 0)
		return -1;
	if (!layer && finish_base(w.rootfd, packages, err) < 0)
		return -1;
	return stamp_directories(&w, err);
}
