/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/pycompile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/macro.h"
#include "lib/process.h"

#define PYTHON "usr/bin/python3"
#define PY3COMPILE "py3compile -p "
/* Number of interpreters. A .pyc depends in details on what its interpreter compiled before it, so the files are
 * divided in the same way on every machine, whatever its number of cores. */
#define SHARES 4

/* Debian's directories for modules of every Python 3, and prefix of those of one version. */
static const char *const public_directories[] = { "/usr/lib/python3/dist-packages/", "/usr/lib/python3." };

int pycompile_stub(int rootfd, struct strings *ret, struct error *err)
{
	CLEANUP(close_p) int lib = file_open_in(rootfd, "usr/lib", O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = lib < 0 ? NULL : fdopendir(lib);
	const struct dirent *entry;

	if (lib < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open usr/lib");
	if (!dir)
		return error_errno(err, errno, "read usr/lib");
	lib = -1;
	strings_add(ret, "/usr/bin/py3compile");
	/* The postinst scripts of the interpreters' own packages run this file as a program. */
	while ((entry = readdir(dir)))
		if (text_starts(entry->d_name, "python3."))
			strings_addf(ret, "/usr/lib/%s/py_compile.py", entry->d_name);
	return 0;
}

/* The directories in "py3compile -p PACKAGE /DIRECTORY...", as dh_python3 writes it into a postinst. */
static void private_directories(const char *postinst, struct strings *ret)
{
	for (const char *at = postinst; (at = strstr(at, PY3COMPILE)); at++) {
		if (at > postinst && at[-1] == 'y') /* pypy3compile */
			continue;
		CLEANUP(free_p) char *line = xstrndup(at, strcspn(at, "\n|;&"));
		char *rest = line, *word;
		while ((word = strsep(&rest, " \t")))
			if (*word == '/')
				strings_addf(ret, "%s%s", word, text_ends(word, "/") ? "" : "/");
	}
}

static bool below(const char *path, const char *const *directories, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_starts(path, directories[i]))
			return true;
	return false;
}

void pycompile_sources(const char *list, const char *postinst, struct strings *ret)
{
	CLEANUP(strings_done) struct strings private = { 0 };
	CLEANUP(free_p) char *copy = xstrdup(list);
	char *rest = copy, *path;

	private_directories(postinst, &private);
	while ((path = strsep(&rest, "\n")))
		if (text_ends(path, ".py") && (below(path, public_directories, ARRAY_SIZE(public_directories)) ||
					       below(path, (const char *const *)private.at, private.n)))
			strings_add(ret, path);
}

/* One interpreter's share of the files: every SHARES-th, starting with first. */
struct share {
	const struct pycompile *compile;
	size_t first;
};

/* In the sandbox. The .pyc files are validated by timestamp, as Debian's own are. With SOURCE_DATE_EPOCH set, Python's
 * default would be hashes. */
static int compile_share(void *context, struct error *err)
{
	static char *const argv[] = { "/" PYTHON,  "-E", "-S", "-m", "compileall", "-q", "--invalidation-mode",
				      "timestamp", "-i", "-",  NULL };
	const struct share *share = context;
	const struct pycompile *c = share->compile;
	CLEANUP(text_done) struct text names = { 0 };
	struct stat st;

	for (size_t i = share->first; i < c->sources->n; i += SHARES)
		if (stat(c->sources->at[i], &st) == 0) /* a dangling link: sitecustomize.py */
			text_addf(&names, "%s\n", c->sources->at[i]);
	struct process p = {
		.argv = argv, .input = names.data, .input_len = names.len, .line = c->line, .context = c->context
	};
	if (names.len && process_run(&p, err) < 0 && c->line)
		c->line(c->context, err->text);
	return 0;
}

/* In the sandbox: runs the interpreters in parallel. */
static int compile_inside(void *context, struct error *err)
{
	struct job job[SHARES] = { 0 };
	struct share share[SHARES];
	int rc = 0;

	if (access("/" PYTHON, X_OK) < 0)
		return 0;
	for (size_t i = 0; i < SHARES && rc == 0; i++) {
		share[i] = (struct share){ context, i };
		rc = job_start(&job[i], compile_share, &share[i], err);
	}
	for (size_t i = 0; i < SHARES && rc == 0; i++)
		rc = job_wait(&job[i], err);
	for (size_t i = 0; i < SHARES; i++)
		job_stop(&job[i]);
	return rc;
}

int pycompile(const struct pycompile *c, struct error *err)
{
	struct sandbox sandbox = { .root = c->root };

	if (!c->sources->n)
		return 0;
	return sandbox_call(&sandbox, compile_inside, (void *)c, err);
}
