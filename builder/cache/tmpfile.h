/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A nameless file for what a program holds while it runs: in memory when there is room for it, else on disk. It is gone
 * with its descriptor, also after SIGKILL.
 */
#include <stdint.h>

#include "lib/error.h"

/* need: about how many bytes will be in it. Returns an fd (caller closes). On disk it is made in $TMPDIR, else
 * /var/tmp. */
int tmpfile_open(uint64_t need, struct error *err) MUST_CHECK;
