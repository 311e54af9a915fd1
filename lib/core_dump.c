/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/core_dump.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/log.h"

void core_dump_disable(void)
{
	const struct rlimit none = { 0, 0 };

	/* Children are dumpable again after execve(2); the limit is theirs, too. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		log_warning("core dumps cannot be disabled: %s", strerror(errno));
}
