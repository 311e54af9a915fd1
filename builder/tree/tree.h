/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A guest's file tree: packages unpacked once and in parallel, then configured once by dpkg in the sandbox.
 *
 *	tree_unpack	every .deb straight into the tree, dpkg's database written along the way (all "unpacked")
 *	tree_adopt	before an unpacked layer is mounted over a base: its directories take the base's mode, owner and times
 *	tree_configure	dpkg --configure -a, byte compilation and triggers; everything ends "installed"
 */
#include <time.h>

#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"

struct tree_packages {
	const struct lock_package *at; /* borrowed */
	size_t n;
};

/* root: absolute path of an existing directory, empty or a layer above a base (then layer is true: no base files are made
 * and status holds only these packages, to be joined by tree_join_status). threads: 0 = one per core. */
int tree_unpack(const char *root, struct tree_packages packages, struct cache *cache, bool layer, unsigned threads,
		struct error *err) MUST_CHECK;
int tree_adopt(const char *base, const char *layer, struct error *err) MUST_CHECK;
/* What tree_unpack kept aside as status of a layer goes behind the (configured) base's status, in the mounted union. */
int tree_join_status(const char *root, struct error *err) MUST_CHECK;

/* At the end, once: not even when a package asks for it, when one does, always. */
enum tree_initramfs { INITRAMFS_NEVER, INITRAMFS_ASKED, INITRAMFS_ALWAYS };

struct tree_configure {
	const char *root;
	enum tree_initramfs initramfs;
	void (*line)(void *context, const char *line); /* what the maintainer scripts say; may be NULL */
	void *context;
};
int tree_configure(const struct tree_configure *c, struct error *err) MUST_CHECK;

/* Copies an overlay tree over root: modes and symlinks as in the source, owner 0:0; directories that exist keep theirs. A file
 * may replace a file or link, never a directory. */
int tree_overlay(const char *overlay, const char *root, struct error *err) MUST_CHECK;
