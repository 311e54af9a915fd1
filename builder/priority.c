/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/priority.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/file.h"

#define NICE 10
#define CHILDREN_MAX (1u << 20)

static const struct sched_param none = { 0 };

void priority_lower(void)
{
	errno = 0;
	int before = getpriority(PRIO_PROCESS, 0);

	/* Whoever may come back from being nice may come back from SCHED_IDLE. */
	if (errno || setpriority(PRIO_PROCESS, 0, before + NICE) < 0 || setpriority(PRIO_PROCESS, 0, before) < 0)
		return;
	sched_setscheduler(0, SCHED_IDLE, &none);
}

/* Numbers with spaces between them (proc_pid_task(5), children). */
static void restore_all(const char *pids)
{
	char *end;

	for (long pid; (pid = strtol(pids, &end, 10)) > 0; pids = end)
		priority_restore((pid_t)pid);
}

/* Itself first: what it starts from then on is as it is. */
static void restore_thread(pid_t pid, pid_t thread)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/task/%d/children", pid, thread);
	CLEANUP(text_done) struct text children = { 0 };
	struct error gone = { 0 };

	if (sched_getscheduler(thread) == SCHED_IDLE && sched_getscheduler(0) != SCHED_IDLE)
		sched_setscheduler(thread, SCHED_OTHER, &none);
	if (file_read(AT_FDCWD, path, CHILDREN_MAX, &children, &gone) == 0)
		restore_all(children.data);
}

void priority_restore(pid_t pid)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/task", pid);
	CLEANUP(closedir_p) DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			restore_thread(pid, (pid_t)atoi(entry->d_name));
}
