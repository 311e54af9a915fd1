/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Byte compilation of the packages' Python files. Each package's postinst would start one or two interpreters for it
 * (py3compile); here a few interpreters share all files while dpkg configures the packages.
 */
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"

/* Programs of the tree that are to be stubbed (sandbox.h) while packages are configured. */
int pycompile_stub(int rootfd, struct strings *ret, struct error *err) MUST_CHECK;
/* Pure. Adds the files of a package that its postinst would compile. list: its info/ID.list. postinst: its script, ""
 * for none. */
void pycompile_sources(const char *list, const char *postinst, struct strings *ret);
/* Compiles sources in the tree at root. A file that does not compile is reported through line (may be NULL) and
 * skipped: as with dpkg, Python reports the error when the file is imported. */
struct pycompile {
	const char *root;
	const struct strings *sources;
	void (*line)(void *context, const char *line);
	void *context;
};
int pycompile(const struct pycompile *c, struct error *err) MUST_CHECK;
