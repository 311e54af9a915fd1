/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `preinst install` of packages whose files are unpacked already. dpkg would have run it before; so late, it finds the files
 * there, and nothing to upgrade from. Most do nothing at a first installation, but base-passwd's makes the first users,
 * python's and the kernel's leave marks for their postinst.
 */
#include "builder/tree/dpkgdb.h"
#include "lib/process.h"

/* In the sandbox. id is the package's dpkgdb_id(). A package without the script is fine. */
int preinst_run(const struct dpkgdb_package *package, const char *id, void (*line)(void *context, const char *line),
		void *context, struct error *err) MUST_CHECK;
