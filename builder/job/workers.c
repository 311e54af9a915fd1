/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/job/workers.h"

#include <pthread.h>
#include <sched.h>

#include "lib/macro.h"

#define WORKERS_MAX 64 /* more than this never made a disk faster */

struct worker {
	pthread_t thread;
	void (*work)(void *context);
	void *context;
};

unsigned workers_size(unsigned wanted)
{
	cpu_set_t usable;

	/* The affinity mask, not the machine's number of cores: containers often may use only some of them. */
	if (!wanted)
		wanted = sched_getaffinity(0, sizeof usable, &usable) == 0 ? (unsigned)CPU_COUNT(&usable) : 1;
	return wanted > WORKERS_MAX ? WORKERS_MAX : wanted;
}

static void *worker_main(void *argument)
{
	struct worker *m = argument;

	m->work(m->context);
	return NULL;
}

void workers_run(unsigned threads, void (*work)(void *context), void *context)
{
	struct worker member[WORKERS_MAX];
	unsigned started = 0;

	while (started + 1 < threads && started < ARRAY_SIZE(member)) {
		member[started] = (struct worker){ .work = work, .context = context };
		if (pthread_create(&member[started].thread, NULL, worker_main, &member[started]) != 0)
			break;
		started++;
	}
	work(context);
	while (started)
		pthread_join(member[--started].thread, NULL);
}
