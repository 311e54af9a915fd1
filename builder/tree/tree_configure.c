/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/job/priority.h"
#include "builder/lock/dpkg_status.h"
#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "builder/sandbox/sandbox_orphans.h"
#include "builder/tree/dpkg_error.h"
#include "builder/tree/dpkgdb.h"
#include "builder/tree/preinst.h"
#include "builder/tree/pycompile.h"
#include "builder/tree/tree.h"
#include "builder/tree/tree_database.h"
#include "builder/tree/tree_date.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/log.h"
#include "lib/macro.h"
#include "lib/process.h"
#include "lib/text.h"
#include "lib/vec.h"

#define UPDATE_INITRAMFS "/usr/sbin/update-initramfs"
#define SSH_KEYGEN "/usr/bin/ssh-keygen"
#define KERNEL_PREFIX "vmlinuz-"
#define INFO_MAX (64u << 20)

/* Programs that several packages' scripts run and that do the whole work each time. They are stubbed, and those that
 * were called run once at the end, in parallel. If one fails, the build fails, even if the script would have ignored
 * it. */
static char *const once[][4] = {
	{ "/usr/sbin/update-ca-certificates" },
	{ "/usr/bin/systemd-hwdb", "--usr", "update" },
};

/* A package that has never been configured. */
struct fresh_package {
	struct dpkgdb_package package; /* owned */
	char *id;                      /* owned */
};

struct configuring {
	const struct tree_configure *c; /* borrowed */
	VEC(struct fresh_package) fresh;
	struct strings sources; /* their Python files */
};

static void configuring_done(struct configuring *g)
{
	for (size_t i = 0; i < g->fresh.n; i++) {
		dpkgdb_done(&g->fresh.at[i].package);
		free(g->fresh.at[i].id);
	}
	vec_done(&g->fresh);
	strings_done(&g->sources);
}

/* "" if the file does not exist. */
static int read_info(int rootfd, const char *id, const char *suffix, struct text *ret, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf(DPKG_INFO "/%s.%s", id, suffix);

	if (file_exists_in(rootfd, path))
		return file_read_in(rootfd, path, INFO_MAX, ret, err);
	text_add(ret, "");
	return 0;
}

static int collect_package(struct configuring *g, int rootfd, const char *stanza, struct error *err)
{
	CLEANUP(text_done) struct text list = { 0 }, postinst = { 0 };
	struct fresh_package fresh = { 0 };

	if (dpkgdb_parse(stanza, &fresh.package, err) < 0)
		return error_wrap(err, "dpkg's status");
	fresh.id = dpkgdb_id(&fresh.package);
	vec_push(&g->fresh, fresh);
	if (read_info(rootfd, fresh.id, "list", &list, err) < 0 ||
	    read_info(rootfd, fresh.id, "postinst", &postinst, err) < 0)
		return -1;
	pycompile_sources(list.data, postinst.data, &g->sources);
	return 0;
}

static int collect(struct configuring *g, int rootfd, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };

	if (file_read_in(rootfd, DPKG_STATUS, DPKG_STATUS_MAX, &status, err) < 0)
		return -1;
	for (const char *stanza = status.data; stanza && *stanza; stanza = dpkgdb_next(stanza)) {
		CLEANUP(free_p) char *state = dpkgdb_field(stanza, "Status");
		CLEANUP(free_p) char *configured = dpkgdb_field(stanza, "Config-Version");
		if (!configured && text_same(state, "install ok unpacked") &&
		    collect_package(g, rootfd, stanza, err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct tree_configure *c, char *const *argv, struct error *err)
{
	struct process p = { .argv = argv, .line = c->line, .context = c->context, .failure = ERROR_COMMAND };

	return process_run(&p, err);
}

/* Essential packages first: others need not declare a dependency on them. */
static int run_preinsts(const struct configuring *g, struct error *err)
{
	for (int essential = 1; essential >= 0; essential--)
		for (size_t i = 0; i < g->fresh.n; i++) {
			const struct fresh_package *f = &g->fresh.at[i];
			if (f->package.essential == essential &&
			    preinst_run(&f->package, f->id, g->c->line, g->c->context, err) < 0)
				return -1;
		}
	return 0;
}

struct dpkg_run {
	const struct tree_configure *c;
	struct dpkg_error error;
};

static void dpkg_line(void *context, const char *line)
{
	struct dpkg_run *d = context;

	dpkg_error_line(&d->error, line);
	if (d->c->line)
		d->c->line(d->c->context, line);
}

static int run_dpkg(const struct tree_configure *c, struct error *err)
{
	static char *const argv[] = {
		"dpkg", "--configure", "-a", "--force-unsafe-io", "--force-confnew", "--force-confmiss", NULL
	};
	struct dpkg_run d = { .c = c };
	struct process p = { .argv = argv, .line = dpkg_line, .context = &d, .failure = ERROR_COMMAND };
	int rc = process_run(&p, err);

	if (rc < 0 && d.error.text.len)
		error_set(err, ERROR_COMMAND, "dpkg --configure: %s", d.error.text.data);
	dpkg_error_done(&d.error);
	return rc;
}

static int compile_python(void *configuring, struct error *err)
{
	const struct configuring *g = configuring;
	struct pycompile compile = { g->c->root, &g->sources, g->c->line, g->c->context };

	return pycompile(&compile, err);
}

/* One for each kernel in /boot. */
static int make_initramfs(const struct tree_configure *c, struct error *err)
{
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
		if (run(c, argv, err) < 0)
			return -1;
	}
	return 0;
}

struct once_run {
	const struct tree_configure *c;
	char *const *argv;
};

static int run_one(void *once_run, struct error *err)
{
	const struct once_run *o = once_run;

	return run(o->c, o->argv, err);
}

struct once_jobs {
	struct job job[ARRAY_SIZE(once)];
};

static void once_stop(struct once_jobs *jobs)
{
	for (size_t i = 0; i < ARRAY_SIZE(once); i++)
		job_stop(&jobs->job[i]);
}

static int run_once(const struct tree_configure *c, struct error *err)
{
	CLEANUP(once_stop) struct once_jobs jobs = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
		struct once_run o = { c, once[i] };
		bool called;
		if (sandbox_release(once[i][0], &called, err) < 0 ||
		    (called && job_start(&jobs.job[i], run_one, &o, err) < 0))
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(once); i++)
		if (jobs.job[i].pid && job_wait(&jobs.job[i], err) < 0)
			return -1;
	return 0;
}

/* The programs that were stubbed. The initramfs last: it contains files that the others write. */
static int run_deferred(const struct tree_configure *c, struct error *err)
{
	bool asked;

	if (run_once(c, err) < 0 || sandbox_release(UPDATE_INITRAMFS, &asked, err) < 0)
		return -1;
	if (c->initramfs == INITRAMFS_NEVER || (c->initramfs == INITRAMFS_ASKED && !asked))
		return 0;
	return make_initramfs(c, err);
}

/* One process of each package. */
static void warn_left_behind(void *packages, const char *program, const char *package)
{
	const char *who = package && *package ? package : "a package";

	if (strings_has(packages, who))
		return;
	strings_add(packages, who);
	log_warning(
		"%s left a process running when it was installed (%s); it was killed, an image has none: start it in "
		"guests by a unit",
		who, program ? program : "its name is not known");
}

/* What the scripts left behind, such as daemons: nothing of the sandbox runs then. */
static void end_left_behind(void)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	sandbox_orphans_kill("DPKG_MAINTSCRIPT_PACKAGE", warn_left_behind, &packages);
}

/* In the sandbox. */
static int configure_inside(void *configuring, struct error *err)
{
	const struct configuring *g = configuring;

	if (sandbox_orphans_inherit(err) < 0 || run_preinsts(g, err) < 0 || run_dpkg(g->c, err) < 0)
		return -1;
	end_left_behind();
	return run_deferred(g->c, err);
}

/* Programs that are to run once, elsewhere or never while packages are configured. */
static int stub_programs(int rootfd, struct strings *stubbed, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(once); i++)
		strings_add(stubbed, once[i][0]);
	strings_add(stubbed, UPDATE_INITRAMFS);
	/* Host keys must be generated on each host: the private keys of an image would be known to all its users. */
	strings_add(stubbed, SSH_KEYGEN);
	return pycompile_stub(rootfd, stubbed, err);
}

/* In parallel with dpkg. Without mount namespaces the programs that are stubbed for dpkg are stubbed for every process,
 * so Python runs before dpkg. */
static int start_python(struct configuring *g, struct job *python, struct error *err)
{
	if (rootless_restricted())
		return compile_python(g, err);
	if (job_start(python, compile_python, g, err) < 0)
		return -1;
	priority_lower(python->pid);
	return 0;
}

/* Runs dpkg with the maintainer scripts, and Python's compiler. */
static int configure_packages(struct configuring *g, int rootfd, struct error *err)
{
	CLEANUP(sandbox_done) struct sandbox s = { .root = g->c->root, .forbid_services = true };
	CLEANUP(job_stop) struct job python = { 0 };

	time_t date;
	if (tree_date(rootfd, &date, err) < 0)
		return -1;
	strings_addf(&s.environment, "SOURCE_DATE_EPOCH=%lld", (long long)date);
	if (stub_programs(rootfd, &s.stubbed, err) < 0 || start_python(g, &python, err) < 0 ||
	    sandbox_call(&s, configure_inside, g, err) < 0)
		return -1;
	if (!python.pid)
		return 0;
	priority_restore(python.pid);
	return job_wait(&python, err);
}

int tree_configure(const struct tree_configure *c, struct error *err)
{
	CLEANUP(configuring_done) struct configuring g = { .c = c };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, c->root, err);

	if (rootfd < 0 || collect(&g, rootfd, err) < 0)
		return -1;
	return configure_packages(&g, rootfd, err);
}
