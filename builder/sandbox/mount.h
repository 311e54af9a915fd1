/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Mounts (libmount behind; mount.c is its only user). They are made in the private mount namespace of the calling process and
 * touch no table of mounts, neither /etc/fstab nor /run/mount/utab.
 */
#include "lib/error.h"

/* options as in fstab, e.g. "nosuid,size=4m"; "bind,ro" and "rprivate" are fine too. source and type may be NULL. */
int mount_attach(const char *source, const char *target, const char *type, const char *options, struct error *err)
	MUST_CHECK;
int mount_detach(const char *target, struct error *err) MUST_CHECK;
