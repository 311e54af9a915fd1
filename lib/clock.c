/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clock.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

const char *clock_text(time_t t, char buffer[CLOCK_TEXT_MAX])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buffer, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buffer, CLOCK_TEXT_MAX, "1970-01-01T00:00:00Z");
	return buffer;
}

double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void clock_nap(double seconds)
{
	uint16_t random = UINT16_MAX / 2;

	/* Without randomness, early in the boot, the nap is exactly as long as requested. */
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = UINT16_MAX / 2;
	seconds *= 0.75 + 0.5 * random / UINT16_MAX;
	struct timespec left = { .tv_sec = (time_t)seconds,
				 .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}
