/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unpacks one .deb into a tree in one pass: its files, its control files into dpkg's info/, and the data for the rest
 * of dpkg's database. For tree_unpack.c, which does this in several threads.
 */
#include "builder/archive/deb.h"
#include "builder/tree/dpkgdb.h"
#include "builder/tree/file_conflicts.h"

/* The data of an unpacked package for dpkg's database. */
struct unpacked {
	struct dpkgdb_package package;
	char *id;              /* owned; dpkgdb_id() */
	struct text list;      /* info/ID.list */
	struct text stanza;    /* for status */
	struct text interests; /* dpkgdb_interests() */
};

struct unpack {
	int rootfd;                       /* borrowed */
	int infofd;                       /* borrowed; var/lib/dpkg/info */
	struct file_conflicts *conflicts; /* borrowed */
	unsigned number;                  /* of the package, for conflicts */
};

int unpack_deb(const struct unpack *u, const struct deb *deb, struct unpacked *ret, struct error *err) MUST_CHECK;
/* Unpacks only the given paths (merged-usr) a second time, replacing what is there. */
int unpack_again(const struct unpack *u, const struct deb *deb, const struct strings *paths, struct error *err)
	MUST_CHECK;
void unpacked_done(struct unpacked *u);

/* The real path in a merged-usr tree of a path in a package: "usr/bin/sh" for "bin/sh". Computed, not looked up,
 * because a layer has no such links: they are in the base below it. ret may be path. */
void unpack_merge_usr(const char *path, char ret[TAR_PATH_MAX + 1]);
