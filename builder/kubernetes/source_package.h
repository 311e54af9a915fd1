/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A source package of the lock as files to compile: unpacked in a toolchain tree, so with the distribution's patches.
 */
#include "builder/kubernetes/toolchain.h"
#include "builder/lock/lock.h"
#include "lib/error.h"

int source_package_fetch(const struct lock_source *s, struct cache *cache, struct error *err) MUST_CHECK;
/* Into a new directory of the work directory (absolute, outside), whose parent is there. */
int source_package_unpack(const struct lock_source *s, const struct toolchain *t, const char *work,
			  const char *directory, struct error *err) MUST_CHECK;
