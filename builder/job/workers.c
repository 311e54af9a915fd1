/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/job/workers.h"

#include <pthread.h>
#include <sched.h>

#include "lib/macro.h"

#define WORKERS_MAX 64 /* no build is faster with more threads */

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
	struct worker *w = argument;

	w->work(w->context);
	return NULL;
}

void workers_run(unsigned threads, void (*work)(void *context), void *context)
{
	struct worker worker[WORKERS_MAX];
	unsigned started = 0;

	while (started + 1 < threads && started < ARRAY_SIZE(worker)) {
		worker[started] = (struct worker){ .work = work, .context = context };
		if (pthread_create(&worker[started].thread, NULL, worker_main, &worker[started]) != 0)
			break;
		started++;
	}
	work(context);
	while (started)
		pthread_join(worker[--started].thread, NULL);
}
