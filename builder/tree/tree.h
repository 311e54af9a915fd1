/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A guest's file tree: packages unpacked once and in parallel, then configured once by dpkg in the sandbox.
 *
 *	tree_unpack	extracts every .deb into the tree and writes dpkg's database; every package is then "unpacked"
 *	tree_adopt	gives the directories of an unpacked layer the base's mode, owner and times; call it before
 *			the layer is mounted over that base
 *	tree_configure	dpkg --configure -a, byte compilation and triggers; every package is then "installed"
 */
#include <time.h>

#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

struct tree_packages {
	const struct lock_package *at; /* borrowed */
	size_t n;
};

/* root: absolute path of an existing empty directory. layer: the tree will be mounted over a base, so the files that
 * only a base needs are not made, and status lists only these packages until tree_join_status(). threads: 0 = one per
 * core. */
int tree_unpack(const char *root, struct tree_packages packages, struct cache *cache, bool layer, unsigned threads,
		struct error *err) MUST_CHECK;
int tree_adopt(const char *base, const char *layer, struct error *err) MUST_CHECK;
/* Call it on the mounted overlay of a layer and its configured base: appends the status that tree_unpack saved for the
 * layer to the base's, and merges the triggers. */
int tree_join_status(const char *root, struct error *err) MUST_CHECK;

/* Whether the initramfs is made at the end of tree_configure: never, only if a package asked for it, always. */
enum tree_initramfs { INITRAMFS_NEVER, INITRAMFS_ASKED, INITRAMFS_ALWAYS };

struct tree_configure {
	const char *root;
	enum tree_initramfs initramfs;
	void (*line)(void *context, const char *line); /* each output line of the scripts; may be NULL */
	void *context;
};
int tree_configure(const struct tree_configure *c, struct error *err) MUST_CHECK;

/* Copies an overlay tree over root: symlinks as in the source, modes too except for group and other write, owner 0:0;
 * capabilities, ACLs and attributes of users (kept_xattr.h), hard links among its files, holes. Existing directories keep what they
 * have. A file may replace a file or link, never a directory. */
int tree_overlay(const char *overlay, const char *root, struct error *err) MUST_CHECK;
/* The same for open directories: copies overlayfd over the directory path of the tree ("": its root), which is made if
 * it is missing. */
int tree_overlay_in(int overlayfd, int rootfd, const char *path, struct error *err) MUST_CHECK;
/* Adds the absolute paths that tree_overlay() gives the files and links of an overlay. */
int tree_overlay_paths(const char *overlay, struct strings *ret, struct error *err) MUST_CHECK;
