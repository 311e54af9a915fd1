/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unpacks a source package of the lock, whose files are in the cache (lock_fetch.h). dpkg-source of the toolchain tree applies
 * the distribution's patches.
 */
#include "builder/lock/lock.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"

/* Unpacks into a new directory below work (absolute path outside the sandbox); the parent of directory exists. */
int source_package_unpack(const struct lock_source *s, const struct toolchain *t, const char *work,
			  const char *directory, struct error *err) MUST_CHECK;
