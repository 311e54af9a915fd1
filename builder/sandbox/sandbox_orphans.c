/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"

#define CHILDREN_MAX (1 << 20) /* bytes of a list of process ids; the kernel allows 4 million processes */
#define ENVIRONMENT_MAX (4 << 20)
#define NAME_MAX_BYTES 64       /* of comm; the kernel's limit is 16 */
#define GRACE_TRIES 10          /* for processes that are about to end, as the last of a pipeline is */
#define GRACE_INTERVAL 20000000 /* ns */

int sandbox_orphans_inherit(struct error *err)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? error_errno(err, errno, "become a subreaper") : 0;
}

static void reap_ended(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* The ids of all present children, a space behind each; empty when there are none, or when they cannot be listed. */
static void list_children(struct text *ret)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());
	struct error ignored = { 0 };

	if (file_read(AT_FDCWD, path, CHILDREN_MAX, ret, &ignored) < 0)
		text_done(ret);
}

static bool next_child(char **at, pid_t *ret)
{
	char *end;
	long pid = strtol(*at, &end, 10);

	if (pid <= 0 || end == *at)
		return false;
	*at = end, *ret = (pid_t)pid;
	return true;
}

static bool wait_for_end(void)
{
	for (int i = 0; i < GRACE_TRIES; i++) {
		CLEANUP(text_done) struct text list = { 0 };
		reap_ended();
		list_children(&list);
		if (!list.len)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = GRACE_INTERVAL }, NULL);
	}
	return false;
}

/* The kernel shows an environment to the process's own user only, without regard to CAP_DAC_OVERRIDE. */
static void read_environment(const char *path, struct text *ret)
{
	struct error ignored = { 0 };
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	int uid = setfsuid(st.st_uid), gid = setfsgid(st.st_gid);
	if (file_read(AT_FDCWD, path, ENVIRONMENT_MAX, ret, &ignored) < 0)
		text_done(ret);
	setfsuid((uid_t)uid), setfsgid((gid_t)gid);
}

static const char *find_variable(const struct text *environment, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = environment->data; at && at < environment->data + environment->len; at += strlen(at) + 1)
		if (!strncmp(at, name, len) && at[len] == '=')
			return at + len + 1;
	return NULL;
}

static void report(pid_t pid, const char *variable, sandbox_orphan_fn *found, void *context)
{
	CLEANUP(free_p) char *comm = xasprintf("/proc/%d/comm", (int)pid);
	CLEANUP(free_p) char *environ_path = xasprintf("/proc/%d/environ", (int)pid);
	CLEANUP(text_done) struct text name = { 0 }, environment = { 0 };
	struct error ignored = { 0 };

	bool named = file_read(AT_FDCWD, comm, NAME_MAX_BYTES, &name, &ignored) == 0 && name.len;
	read_environment(environ_path, &environment);
	found(context, named ? text_trim(name.data) : NULL, find_variable(&environment, variable));
}

/* When a child is killed, its own children become those of this process: they are in the next list. */
void sandbox_orphans_kill(const char *variable, sandbox_orphan_fn *found, void *context)
{
	if (found && wait_for_end())
		return;
	for (;;) {
		CLEANUP(text_done) struct text list = { 0 };
		pid_t pid;
		list_children(&list);
		if (!list.len)
			return;
		for (char *at = list.data; next_child(&at, &pid);)
			if (found)
				report(pid, variable, found, context);
		for (char *at = list.data; next_child(&at, &pid);)
			kill(pid, SIGKILL);
		for (char *at = list.data; next_child(&at, &pid);)
			waitpid(pid, NULL, 0);
	}
}
