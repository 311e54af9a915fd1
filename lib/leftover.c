/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/leftover.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char file[PATH_MAX];
static volatile sig_atomic_t is_set;

void leftover_set(const char *path)
{
	is_set = 0;
	if (!path || strlen(path) >= sizeof file)
		return;
	snprintf(file, sizeof file, "%s", path);
	is_set = 1;
}

void leftover_remove(void)
{
	if (is_set)
		unlink(file);
}
