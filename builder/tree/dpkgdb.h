/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dpkg's database as text: what `dpkg --unpack` would have written for a package, made of the package's control files. Pure:
 * tree_unpack.c and tree_join.c do the reading and writing.
 *
 *	status			one stanza a package: its control paragraph, `Status: install ok unpacked`, Conffiles
 *	info/NAME.list		every path that it brought; NAME:ARCH.list when it is Multi-Arch: same
 *	info/NAME.postinst ...	its control files
 *	triggers/File		who is interested in files below a directory
 *	triggers/TRIGGER	who is interested in a named trigger
 *	triggers/Unincorp	triggers that were activated and not yet delivered
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

/* What the control paragraph says, checked: the values become file names. */
struct dpkgdb_package {
	char *name, *version, *architecture; /* owned */
	char *replaces;                      /* owned; NULL when it has none */
	bool same;                           /* Multi-Arch: same */
	bool essential;
};

int dpkgdb_parse(const char *control, struct dpkgdb_package *ret, struct error *err) MUST_CHECK;
void dpkgdb_done(struct dpkgdb_package *p);
/* Value of a field in the paragraph that control begins with (continuation lines included), or NULL; owned by the caller. */
char *dpkgdb_field(const char *control, const char *name) MUST_CHECK;
/* Start of the next paragraph, NULL at the end. */
const char *dpkgdb_next(const char *control);

/* "NAME" or, for Multi-Arch: same, "NAME:ARCH": in file names of info/ and in trigger lists. */
char *dpkgdb_id(const struct dpkgdb_package *p) MUST_CHECK;
/* True when p's Replaces field covers other: its files may take the place of other's. */
bool dpkgdb_replaces(const struct dpkgdb_package *p, const struct dpkgdb_package *other);

/* Paths of a conffiles control file; those that an upgrade should remove are left out. */
int dpkgdb_conffiles(const char *text, struct strings *ret, struct error *err) MUST_CHECK;
/* conffile: lines " PATH MD5\n", or "". */
void dpkgdb_stanza(const char *control, const char *conffiles, struct text *ret);

/* Lines "TRIGGER ID" or "TRIGGER ID/noawait" of a triggers control file's interest directives. */
int dpkgdb_interests(const char *triggers, const char *id, struct text *ret, struct error *err) MUST_CHECK;
/* Unincorp lines for the file triggers (triggers/File) that the paths of a .list would have set off. */
void dpkgdb_activations(const char *file_triggers, const char *list, struct strings *ret);
