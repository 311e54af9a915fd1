/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/job/priority.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/file.h"

#define NICE 10
#define NICE_MAX 19
#define CHILDREN_MAX (1u << 20)

static const struct sched_param none = { 0 };

void priority_lower(pid_t pid)
{
	errno = 0;
	int before = getpriority(PRIO_PROCESS, (id_t)pid);

	/* Whoever may come back from being nicer may come back from SCHED_IDLE. */
	if (errno || before + NICE > NICE_MAX || setpriority(PRIO_PROCESS, (id_t)pid, before + NICE) < 0)
		return;
	if (setpriority(PRIO_PROCESS, (id_t)pid, before) == 0 && sched_setscheduler(pid, SCHED_IDLE, &none) < 0)
		setpriority(PRIO_PROCESS, (id_t)pid, before + NICE);
}

/* Numbers with spaces between them (proc_pid_task(5), children). */
static void restore_all(const char *pids)
{
	char *end;

	for (long pid; (pid = strtol(pids, &end, 10)) > 0; pids = end)
		priority_restore((pid_t)pid);
}

/* Itself first, for what it starts from then on; and to what we are ourselves, but for real-time priorities. */
static void restore_thread(pid_t pid, pid_t thread)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/task/%d/children", pid, thread);
	CLEANUP(text_done) struct text children = { 0 };
	struct error gone = { 0 };

	int own = sched_getscheduler(0);

	if (sched_getscheduler(thread) == SCHED_IDLE && own != SCHED_IDLE)
		sched_setscheduler(thread, own == SCHED_BATCH ? SCHED_BATCH : SCHED_OTHER, &none);
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
