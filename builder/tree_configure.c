/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/dpkgdb.h"
#include "builder/sandbox.h"
#include "builder/tree.h"
#include "builder/tree_database.h"
#include "lib/file.h"

#define UPDATE_INITRAMFS "/usr/sbin/update-initramfs"
#define KERNEL_PREFIX "vmlinuz-"

static int run(const struct tree_configure *c, const char *name, char *const *argv, struct error *err)
{
	struct process p = {
		.argv = argv, .name = name, .line = c->line, .context = c->context, .failure = ERROR_SANDBOX
	};

	return process_run(&p, err);
}

/* dpkg would have run it before it unpacked the files; so late, it finds them already there. */
static int run_preinst(const struct tree_configure *c, const struct dpkgdb_package *p, const char *id,
		       struct error *err)
{
	CLEANUP(free_p) char *script = xasprintf("/" DPKG_INFO "/%s.preinst", id);
	CLEANUP(free_p) char *name = xasprintf("the preinst script of %s", p->name);

	if (access(script, X_OK) < 0)
		return 0;
	setenv("DPKG_MAINTSCRIPT_PACKAGE", p->name, 1);
	setenv("DPKG_MAINTSCRIPT_ARCH", p->architecture, 1);
	return run(c, name, (char *[]){ script, "install", NULL }, err);
}

/* Packages that were never configured; those that others rely on without saying so come first. */
static int run_preinsts_of(const struct tree_configure *c, const char *status, bool essential, struct error *err)
{
	for (const char *stanza = status; stanza && *stanza; stanza = dpkgdb_next(stanza)) {
		CLEANUP(free_p) char *state = dpkgdb_field(stanza, "Status");
		CLEANUP(free_p) char *configured = dpkgdb_field(stanza, "Config-Version");
		CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
		if (configured || !text_same(state, "install ok unpacked"))
			continue;
		if (dpkgdb_parse(stanza, &p, err) < 0)
			return error_wrap(err, "dpkg's status");
		CLEANUP(free_p) char *id = dpkgdb_id(&p);
		if (p.essential == essential && run_preinst(c, &p, id, err) < 0)
			return -1;
	}
	return 0;
}

static int run_preinsts(const struct tree_configure *c, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };

	if (file_read(AT_FDCWD, "/" DPKG_STATUS, STATUS_MAX, &status, err) < 0)
		return -1;
	setenv("DPKG_MAINTSCRIPT_NAME", "preinst", 1);
	setenv("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1", 1);
	setenv("DPKG_ADMINDIR", "/" DPKG, 1);
	setenv("DPKG_ROOT", "", 1);
	if (run_preinsts_of(c, status.data, true, err) < 0 || run_preinsts_of(c, status.data, false, err) < 0)
		return -1;
	unsetenv("DPKG_MAINTSCRIPT_NAME");
	unsetenv("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT");
	unsetenv("DPKG_MAINTSCRIPT_PACKAGE");
	unsetenv("DPKG_MAINTSCRIPT_ARCH");
	return 0;
}

/* In the sandbox. */
static int configure_inside(void *configure, struct error *err)
{
	static char *const dpkg[] = {
		"dpkg", "--configure", "-a", "--force-unsafe-io", "--force-confnew", "--force-confmiss", NULL
	};
	const struct tree_configure *c = configure;

	return run_preinsts(c, err) < 0 ? -1 : run(c, "dpkg --configure", dpkg, err);
}

/* In the sandbox: one initramfs for each kernel. */
static int initramfs_inside(void *configure, struct error *err)
{
	const struct tree_configure *c = configure;
	CLEANUP(closedir_p) DIR *boot = opendir("/boot");
	CLEANUP(strings_done) struct strings versions = { 0 };
	const struct dirent *entry;

	if (!boot || access(UPDATE_INITRAMFS, X_OK) < 0)
		return 0;
	while ((entry = readdir(boot)))
		if (text_starts(entry->d_name, KERNEL_PREFIX))
			strings_add(&versions, entry->d_name + strlen(KERNEL_PREFIX));
	strings_sort(&versions);
	for (size_t i = 0; i < versions.n; i++) {
		char *const argv[] = { UPDATE_INITRAMFS, "-c", "-k", versions.at[i], NULL };
		if (run(c, "update-initramfs", argv, err) < 0)
			return -1;
	}
	return 0;
}

int tree_configure(const struct tree_configure *c, struct error *err)
{
	CLEANUP(sandbox_done) struct sandbox all = { .root = c->root }, last = { .root = c->root };

	/* Asked for by one package after the other, and each time made in full; once, at the end, is enough. */
	strings_add(&all.held, UPDATE_INITRAMFS);
	if (sandbox_call(&all, configure_inside, (void *)c, err) < 0)
		return -1;
	return c->initramfs ? sandbox_call(&last, initramfs_inside, (void *)c, err) : 0;
}
