/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <stdlib.h>
#include <sys/mount.h>

static void context_free(struct libmnt_context **context)
{
	mnt_free_context(*context);
}

static struct libmnt_context *context_new(void)
{
	struct libmnt_context *context = mnt_new_context();

	if (!context)
		abort();
	mnt_context_disable_mtab(context, 1);
	mnt_context_disable_helpers(context, 1);
	mnt_context_set_optsmode(context, MNT_OMODE_NOTAB);
	return context;
}

static int failed(struct libmnt_context *context, int rc, const char *verb, const char *target, struct error *err)
{
	int errnum = mnt_context_get_syscall_errno(context);

	/* When libmount made no system call, rc is positive, -errno, or an error of libmount: that the caller may mount
	 * only what fstab lists. */
	if (!mnt_context_syscall_called(context) || !errnum)
		errnum = rc == -MNT_ERR_NOFSTAB ? EPERM : rc < 0 && rc > -MNT_ERR_NOFSTAB ? -rc : EINVAL;
	error_errno(err, errnum, "%s %s", verb, target);
	if (errnum == EPERM || errnum == EACCES)
		err->class = ERROR_HOST;
	return -1;
}

int mount_attach(const char *source, const char *target, const char *type, const char *options, struct error *err)
{
	CLEANUP(context_free) struct libmnt_context *context = context_new();

	if ((source && mnt_context_set_source(context, source)) || mnt_context_set_target(context, target) ||
	    (type && mnt_context_set_fstype(context, type)) || (options && mnt_context_set_options(context, options)))
		abort();
	int rc = mnt_context_mount(context);
	return rc ? failed(context, rc, "mount", target, err) : 0;
}

/* libmount knows ro=recursive since 2.39. */
static int add_attribute(const char *target, unsigned long long attribute, const char *what, struct error *err)
{
	struct mount_attr attr = { .attr_set = attribute };

	if (mount_setattr(AT_FDCWD, target, AT_RECURSIVE, &attr, sizeof attr) == 0)
		return 0;
	error_errno(err, errno, "make %s %s", target, what);
	err->class = ERROR_HOST;
	return -1;
}

int mount_read_only(const char *target, struct error *err)
{
	return add_attribute(target, MOUNT_ATTR_RDONLY, "read-only", err);
}

int mount_no_devices(const char *target, struct error *err)
{
	return add_attribute(target, MOUNT_ATTR_NODEV, "free of device nodes", err);
}

int mount_detach(const char *target, struct error *err)
{
	CLEANUP(context_free) struct libmnt_context *context = context_new();

	if (mnt_context_set_target(context, target) || mnt_context_enable_lazy(context, 1))
		abort();
	int rc = mnt_context_umount(context);
	return rc ? failed(context, rc, "unmount", target, err) : 0;
}
