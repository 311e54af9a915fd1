/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An unnamed temporary file: memfd_create(2) when there is memory for it, else O_TMPFILE on disk. It
 * disappears with its descriptor, even after SIGKILL.
 */
#include <stdint.h>

#include "lib/error.h"

/* need: the expected size in bytes. Returns an fd (caller closes). On disk it is made in $TMPDIR, else /var/tmp. */
int tmpfile_open(uint64_t need, struct error *err) MUST_CHECK;
