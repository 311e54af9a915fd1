/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One .deb into a tree, in one pass: its files, its control files to dpkg's info/, and what the rest of dpkg's database needs
 * to know of it. For tree_unpack.c, which does this in several threads.
 */
#include "builder/archive/deb.h"
#include "builder/tree/dpkgdb.h"
#include "builder/tree/file_conflicts.h"

/* What a package left behind for the database. */
struct unpacked {
	struct dpkgdb_package package;
	char *id;              /* owned; dpkgdb_id() */
	struct text list;      /* info/ID.list */
	struct text stanza;    /* of status */
	struct text interests; /* dpkgdb_interests() */
};

struct unpack {
	int rootfd;                    /* borrowed */
	int infofd;                    /* borrowed; var/lib/dpkg/info */
	struct file_conflicts *claims; /* borrowed */
	unsigned number;               /* the package's, for claims */
};

int unpack_deb(const struct unpack *u, const struct deb *deb, struct unpacked *ret, struct error *err) MUST_CHECK;
/* Once more, only the given paths (as in claims) and over whatever stands there. */
int unpack_again(const struct unpack *u, const struct deb *deb, const struct strings *paths, struct error *err)
	MUST_CHECK;
void unpacked_done(struct unpacked *u);

/* Where a package's path really is in a merged-usr tree: "bin/sh" is "usr/bin/sh". This must hold in a layer too, whose
 * links are in the base below it. ret may be path. */
void unpack_merge_usr(const char *path, char ret[TAR_PATH_MAX + 1]);
