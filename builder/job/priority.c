/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/job/priority.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/file.h"

#define NICE_STEP 10
#define NICE_MAX 19
#define CHILDREN_MAX (1u << 20) /* bytes of a list of process ids */

static const struct sched_param none = { 0 };

static bool nice_set(pid_t pid, int nice)
{
	return setpriority(PRIO_PROCESS, (id_t)pid, nice) == 0;
}

static bool nice_get(pid_t pid, int *ret)
{
	errno = 0;
	*ret = getpriority(PRIO_PROCESS, (id_t)pid);
	return errno == 0;
}

/* The kernel demands the same right for a lower nice value and for leaving SCHED_IDLE (sched(7)), so the nice
 * value is used to try whether leaving is possible. */
bool priority_idle_allowed(pid_t pid)
{
	int nice;

	if (!nice_get(pid, &nice))
		return false;
	if (nice < NICE_MAX)
		return nice_set(pid, nice + 1) && nice_set(pid, nice);
	return nice_set(pid, nice - 1) && nice_set(pid, nice);
}

void priority_lower(pid_t pid)
{
	int nice;

	if (!nice_get(pid, &nice))
		return;
	if (priority_idle_allowed(pid) && sched_setscheduler(pid, SCHED_IDLE, &none) == 0)
		return;
	nice_set(pid, nice + NICE_STEP < NICE_MAX ? nice + NICE_STEP : NICE_MAX);
}

/* pids: numbers separated by spaces, as in /proc/PID/task/TID/children (proc_pid_task(5)). */
static void restore_all(const char *pids)
{
	char *end;

	for (long pid; (pid = strtol(pids, &end, 10)) > 0; pids = end)
		priority_restore((pid_t)pid);
}

/* The thread first, so that what it starts afterwards is not lowered. It gets the policy of the calling
 * process, except a real-time one. */
static void restore_thread(pid_t pid, pid_t thread)
{
	CLEANUP(free_p) char *path = xasprintf("/proc/%d/task/%d/children", pid, thread);
	CLEANUP(text_done) struct text children = { 0 };
	struct error ignored = { 0 };
	int own = sched_getscheduler(0);

	if (sched_getscheduler(thread) == SCHED_IDLE && own != SCHED_IDLE)
		sched_setscheduler(thread, own == SCHED_BATCH ? SCHED_BATCH : SCHED_OTHER, &none);
	if (file_read(AT_FDCWD, path, CHILDREN_MAX, &children, &ignored) == 0)
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
