/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs `preinst install` of packages whose files are already unpacked. dpkg runs it before it unpacks; here the script
 * finds the files in place, and no older version to upgrade from. Most scripts do nothing on a first installation, but
 * base-passwd's creates the first users, and python's and the kernel's leave marker files for their postinst.
 */
#include "builder/tree/dpkgdb.h"
#include "lib/process.h"

/* Call it in the sandbox. id is the package's dpkgdb_id(). Does nothing for a package without a preinst. */
int preinst_run(const struct dpkgdb_package *package, const char *id, void (*line)(void *context, const char *line),
		void *context, struct error *err) MUST_CHECK;
