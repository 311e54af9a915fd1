/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_exposed.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/log.h"
#include "lib/process.h"

#define GIT_MILLISECONDS 5000

/* The real path of file's directory; NULL when there is none. The caller frees it. */
static char *directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	CLEANUP(free_p) char *directory = slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");

	return realpath(directory, NULL);
}

/* A work tree's .git is a directory, or a file in a submodule and an additional work tree. */
static bool is_in_work_tree(const char *directory)
{
	CLEANUP(free_p) char *at = xstrdup(directory);

	for (char *end; *at; *end = '\0') {
		CLEANUP(free_p) char *git = xasprintf("%s/.git", at);
		if (access(git, F_OK) == 0)
			return true;
		end = strrchr(at, '/');
		if (!end)
			break;
	}
	return false;
}

static bool is_ignored(const char *directory, const char *name)
{
	/* The tree's own configuration must not run a program. */
	char *argv[] = {
		(char *)"git",          (char *)"-C", (char *)directory, (char *)"-c", (char *)"core.fsmonitor=false",
		(char *)"check-ignore", (char *)"-q", (char *)"--",      (char *)name, NULL
	};
	struct error why = { 0 };
	int status = -1;
	pid_t pid = process_start(&(struct process){ .argv = argv }, -1, &why);

	if (pid < 0)
		return false;
	if (!process_wait(pid, GIT_MILLISECONDS, &status)) {
		process_stop(pid, 0);
		return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool seed_is_exposed(const char *file)
{
	const char *slash = strrchr(file, '/');
	CLEANUP(free_p) char *directory = directory_of(file);

	return directory && is_in_work_tree(directory) && !is_ignored(directory, slash ? slash + 1 : file);
}

void seed_warn_exposed(const char *file)
{
	if (seed_is_exposed(file))
		log_warning(
			"%s, which holds a cluster's secrets, is in a git work tree that does not ignore it; add it to "
			".gitignore, or keep it elsewhere",
			file);
}
