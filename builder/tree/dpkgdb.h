/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dpkg's database as text: what `dpkg --unpack` would write for a package, made from the package's control files. Pure:
 * tree_unpack.c and tree_join.c read and write the files.
 *
 *	status			one stanza per package: its control paragraph, `Status: install ok unpacked`, Conffiles
 *	info/NAME.list		every path that it ships; NAME:ARCH.list when it is Multi-Arch: same
 *	info/NAME.postinst ...	its control files
 *	triggers/File		the packages interested in files below a directory
 *	triggers/TRIGGER	the packages interested in a named trigger
 *	triggers/Unincorp	triggers that were activated but not yet delivered
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

/* Fields of the control paragraph, checked because the values become file names. */
struct dpkgdb_package {
	char *name, *version, *architecture; /* owned */
	char *replaces;                      /* owned; NULL if it has none */
	bool same;                           /* Multi-Arch: same */
	bool essential;
};

int dpkgdb_parse(const char *control, struct dpkgdb_package *ret, struct error *err) MUST_CHECK;
void dpkgdb_done(struct dpkgdb_package *p);
/* Value of a field in the first paragraph of control (continuation lines included), or NULL; owned by the caller. */
char *dpkgdb_field(const char *control, const char *name) MUST_CHECK;
/* Start of the next paragraph, NULL at the end. */
const char *dpkgdb_next(const char *control);

/* "NAME" or, for Multi-Arch: same, "NAME:ARCH", as in file names of info/ and in trigger lists. Owned by the caller. */
char *dpkgdb_id(const struct dpkgdb_package *p) MUST_CHECK;
/* True if p's Replaces field covers other: p's files may replace other's. */
bool dpkgdb_replaces(const struct dpkgdb_package *p, const struct dpkgdb_package *other);

/* Paths of a conffiles control file, without those that are flagged remove-on-upgrade. */
int dpkgdb_conffiles(const char *text, struct strings *ret, struct error *err) MUST_CHECK;
/* A package's stanza of status, with a blank line at the end. conffiles: lines " PATH MD5\n", or "". */
void dpkgdb_stanza(const char *control, const char *conffiles, struct text *ret);

/* Lines "TRIGGER ID" or "TRIGGER ID/noawait" of a triggers control file's interest directives. */
int dpkgdb_interests(const char *triggers, const char *id, struct text *ret, struct error *err) MUST_CHECK;
/* Unincorp lines for those file triggers (triggers/File) that unpacking the paths of a .list would activate. */
void dpkgdb_activations(const char *file_triggers, const char *list, struct strings *ret);
