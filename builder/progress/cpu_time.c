/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/progress/cpu_time.h"

#include <sys/resource.h>

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

double cpu_time(void)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return seconds_of(own.ru_utime) + seconds_of(own.ru_stime) + seconds_of(children.ru_utime) +
	       seconds_of(children.ru_stime);
}
