/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fetches and unpacks a source package of the lock. dpkg-source of the toolchain tree applies the distribution's patches.
 */
#include "builder/kubernetes/toolchain.h"
#include "builder/lock/lock.h"
#include "lib/error.h"

int source_package_fetch(const struct lock_source *s, struct cache *cache, struct error *err) MUST_CHECK;
/* Unpacks into a new directory below work (absolute path outside the sandbox); the parent of directory exists. */
int source_package_unpack(const struct lock_source *s, const struct toolchain *t, const char *work,
			  const char *directory, struct error *err) MUST_CHECK;
