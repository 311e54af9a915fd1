/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Byte compilation of the packages' Python files. Each package would start an interpreter or two of its own for it (py3compile);
 * here a few interpreters share all files, while dpkg configures.
 */
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"

/* Programs of the tree that are to be held (sandbox.h) while packages are configured. */
int pycompile_stub(int rootfd, struct strings *ret, struct error *err) MUST_CHECK;
/* Pure. The files of a package that its postinst would have compiled: list is its info/ID.list, postinst its script ("" for
 * none). */
void pycompile_sources(const char *list, const char *postinst, struct strings *ret);
/* Compiles them in the tree at root. A file that doesn't compile is told through line (it may be NULL) and left: as with dpkg,
 * Python will complain when somebody imports it. */
struct pycompile {
	const char *root;
	const struct strings *sources;
	void (*line)(void *context, const char *line);
	void *context;
};
int pycompile(const struct pycompile *c, struct error *err) MUST_CHECK;
