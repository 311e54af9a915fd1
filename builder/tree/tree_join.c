/* SPDX-License-Identifier: Apache-2.0 */
/* Joins a layer of packages with the base below it: mode, owner and times of shared directories, then dpkg's
 * database. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/lock/dpkg_status.h"
#include "builder/tree/dpkgdb.h"
#include "builder/tree/tree.h"
#include "builder/tree/tree_database.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

#define LIST_MAX (64u << 20)

/* In an overlay, mode, owner and times of the upper directory apply; a layer's directories were made without knowing
 * the base's. */
static int adopt_directory(int basefd, int layerfd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(basefd, &st) < 0)
		return error_errno(err, errno, "look at /%s of the base", path);
	if (fchown(layerfd, st.st_uid, st.st_gid) < 0 || fchmod(layerfd, st.st_mode & 07777) < 0 ||
	    futimens(layerfd, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return error_errno(err, errno, "copy mode, owner and times of /%s from the base", path);
	return 0;
}

static int adopt_children(int basefd, int layerfd, const char *path, struct error *err);

static int adopt_entry(int basefd, int layerfd, const char *name, const char *path, struct error *err)
{
	struct stat base, layer;

	if (fstatat(basefd, name, &base, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at /%s of the base", path);
	if (fstatat(layerfd, name, &layer, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at /%s of the layer", path);
	if (!S_ISDIR(base.st_mode) || !S_ISDIR(layer.st_mode))
		return error_set(err, ERROR_INPUT,
				 "/%s is in a package of the base and in a package of a set above it; put both "
				 "packages into one set",
				 path);
	CLEANUP(close_p) int base_child = openat(basefd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(close_p) int layer_child = openat(layerfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (base_child < 0 || layer_child < 0)
		return error_errno(err, errno, "open directory /%s", path);
	return adopt_children(base_child, layer_child, path, err);
}

static int adopt_children(int basefd, int layerfd, const char *path, struct error *err)
{
	int copy = fcntl(layerfd, F_DUPFD_CLOEXEC, 0);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		error_errno(err, errno, "read directory /%s", path);
		close_p(&copy);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		CLEANUP(free_p) char *child = xasprintf("%s%s%s", path, *path ? "/" : "", entry->d_name);
		if (adopt_entry(basefd, layerfd, entry->d_name, child, err) < 0)
			return -1;
	}
	if (errno)
		return error_errno(err, errno, "read directory /%s", path);
	return adopt_directory(basefd, layerfd, path, err);
}

int tree_adopt(const char *base, const char *layer, struct error *err)
{
	CLEANUP(close_p) int basefd = dir_open(AT_FDCWD, base, err);
	CLEANUP(close_p) int layerfd = basefd < 0 ? -1 : dir_open(AT_FDCWD, layer, err);

	if (layerfd < 0)
		return -1;
	return adopt_children(basefd, layerfd, "", err);
}

/* Had dpkg unpacked the layer, it would have activated the file triggers of the base's packages. */
static int collect_activations(int rootfd, const char *stanzas, struct strings *ret, struct error *err)
{
	CLEANUP(text_done) struct text triggers = { 0 };

	if (!file_exists_in(rootfd, DPKG_TRIGGERS "/File"))
		return 0;
	if (file_read_in(rootfd, DPKG_TRIGGERS "/File", TRIGGERS_MAX, &triggers, err) < 0)
		return -1;
	for (const char *stanza = stanzas; stanza && *stanza; stanza = dpkgdb_next(stanza)) {
		CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
		CLEANUP(text_done) struct text list = { 0 };
		if (dpkgdb_parse(stanza, &p, err) < 0)
			return -1;
		CLEANUP(free_p) char *id = dpkgdb_id(&p);
		CLEANUP(free_p) char *path = xasprintf(DPKG_INFO "/%s.list", id);
		if (file_read_in(rootfd, path, LIST_MAX, &list, err) < 0)
			return -1;
		dpkgdb_activations(triggers.data, list.data, ret);
	}
	return 0;
}

static int join_triggers(int rootfd, const char *stanzas, struct error *err)
{
	CLEANUP(strings_done) struct strings activations = { 0 };
	CLEANUP(text_done) struct text lines = { 0 }, interests = { 0 };

	if (collect_activations(rootfd, stanzas, &activations, err) < 0)
		return -1;
	for (size_t i = 0; i < activations.n; i++)
		text_addf(&lines, "%s\n", activations.at[i]);
	if (lines.len && tree_append(rootfd, DPKG_TRIGGERS "/Unincorp", lines.data, err) < 0)
		return -1;
	if (file_read_in(rootfd, LAYER_INTERESTS, TRIGGERS_MAX, &interests, err) < 0)
		return -1;
	return tree_add_interests(rootfd, interests.data, err);
}

static int remove_aside(int rootfd, const char *path, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, path, false, &base);

	if (parent < 0 || unlinkat(parent, base, 0) < 0)
		return error_errno(err, errno, "remove /%s", path);
	return 0;
}

int tree_join_status(const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	CLEANUP(text_done) struct text stanzas = { 0 };

	if (rootfd < 0 || file_read_in(rootfd, LAYER_STATUS, DPKG_STATUS_MAX, &stanzas, err) < 0 ||
	    join_triggers(rootfd, stanzas.data, err) < 0 || tree_append(rootfd, DPKG_STATUS, stanzas.data, err) < 0 ||
	    remove_aside(rootfd, LAYER_STATUS, err) < 0)
		return -1;
	return remove_aside(rootfd, LAYER_INTERESTS, err);
}
