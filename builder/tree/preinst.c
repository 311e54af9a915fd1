/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/preinst.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/tree/tree_database.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/macro.h"

/* Where dpkg has the control files of the package that it is about to unpack. debconf finds out there which package's
 * preinst is running. */
#define CONTROL_DIRECTORY "/" DPKG "/tmp.ci"

static const char *const control_files[] = { "preinst", "postinst", "prerm",   "postrm",   "config",   "templates",
					     "md5sums", "shlibs",   "symbols", "triggers", "conffiles" };

static int make_control_directory(const struct dpkgdb_package *p, const char *id, struct error *err)
{
	CLEANUP(free_p)
	char *control = xasprintf("Package: %s\nVersion: %s\nArchitecture: %s\n", p->name, p->version, p->architecture);

	if (mkdir(CONTROL_DIRECTORY, 0755) < 0)
		return error_errno(err, errno, "create %s", CONTROL_DIRECTORY);
	for (size_t i = 0; i < ARRAY_SIZE(control_files); i++) {
		CLEANUP(free_p) char *from = xasprintf("/" DPKG_INFO "/%s.%s", id, control_files[i]);
		CLEANUP(free_p) char *to = xasprintf(CONTROL_DIRECTORY "/%s", control_files[i]);
		if (link(from, to) < 0 && errno != ENOENT)
			return error_errno(err, errno, "link %s to %s", to, from);
	}
	return file_write(AT_FDCWD, CONTROL_DIRECTORY "/control", control, strlen(control), 0644, err);
}

static void set_environment(const struct dpkgdb_package *p)
{
	setenv("DPKG_MAINTSCRIPT_PACKAGE", p->name, 1);
	setenv("DPKG_MAINTSCRIPT_ARCH", p->architecture, 1);
	setenv("DPKG_MAINTSCRIPT_NAME", "preinst", 1);
	setenv("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1", 1);
	setenv("DPKG_ADMINDIR", "/" DPKG, 1);
	setenv("DPKG_ROOT", "", 1);
}

static void clear_environment(void)
{
	static const char *const names[] = {
		"DPKG_MAINTSCRIPT_PACKAGE",          "DPKG_MAINTSCRIPT_ARCH", "DPKG_MAINTSCRIPT_NAME",
		"DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "DPKG_ADMINDIR",         "DPKG_ROOT"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

int preinst_run(const struct dpkgdb_package *package, const char *id, void (*line)(void *context, const char *line),
		void *context, struct error *err)
{
	CLEANUP(free_p) char *script = xasprintf("/" DPKG_INFO "/%s.preinst", id);
	CLEANUP(free_p) char *name = xasprintf("the preinst script of %s", package->name);
	char *const argv[] = { CONTROL_DIRECTORY "/preinst", "install", NULL };
	struct process p = { .argv = argv, .name = name, .line = line, .context = context, .failure = ERROR_COMMAND };

	if (access(script, X_OK) < 0)
		return 0;
	if (make_control_directory(package, id, err) < 0)
		return -1;
	set_environment(package);
	int rc = process_run(&p, err);
	clear_environment();
	if (rc < 0)
		return -1;
	return tree_remove(AT_FDCWD, CONTROL_DIRECTORY, err);
}
