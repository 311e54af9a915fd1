/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mount(2) and umount(2) through libmount, and mount_setattr(2) (mount.c is their only user in the builder), in the private mount
 * namespace of the calling process. Neither /etc/fstab nor /run/mount/utab is read or written.
 */
#include "lib/error.h"

/* options: as in fstab(5), e.g. "nosuid,size=4m"; also "bind,ro" and "rprivate". source and type may be NULL.
 * A refusal by the kernel (EPERM, EACCES) is ERROR_HOST. */
int mount_attach(const char *source, const char *target, const char *type, const char *options, struct error *err)
	MUST_CHECK;
/* Makes a mount, and those below it, read-only. */
int mount_read_only(const char *target, struct error *err) MUST_CHECK;
/* No device node in a mount, and those below it, can be opened. */
int mount_no_devices(const char *target, struct error *err) MUST_CHECK;
/* Lazily (MNT_DETACH). */
int mount_detach(const char *target, struct error *err) MUST_CHECK;
