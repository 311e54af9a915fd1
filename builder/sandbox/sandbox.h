/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs a tree's own programs: the tree is /, in private mount, PID, network, IPC, UTS and cgroup namespaces, with
 * /proc, a minimal /dev, an empty /run and /tmp, no /sys, no network except loopback and the environment of a
 * package installation. Nothing of the host is in reach. The sandbox ends with the calling process, even
 * after SIGKILL; no mount is ever visible on the host.
 *
 * The programs may be hostile. They are in a user namespace that has rights over none of these namespaces
 * (sandbox_userns.h), with few capabilities, system calls and no keys (sandbox_restrict.h). docs/security.md says what
 * they can still do.
 *
 * Where neither mounts nor namespaces can be made (rootless_restricted()), a chroot is used instead, which
 * isolates less: see sandbox_chroot.h.
 */
#include "builder/sandbox/sandbox_binds.h"
#include "lib/error.h"
#include "lib/job.h"
#include "lib/process.h"

/* What the programs may do in addition; each has the rights of those before it. */
enum sandbox_rights {
	SANDBOX_NO_RIGHTS,
	SANDBOX_MOUNTS, /* mount what a user may, in a mount namespace of their own: for importers of images */
	/* No user namespace: the programs are root of the builder's. Only for what cannot work otherwise, and that is Docker's
	 * daemon. With the builder's own CAP_SYS_ADMIN, such a program can get all rights of the host. */
	SANDBOX_HOST_ROOT,
};

struct sandbox {
	const char *root; /* borrowed; absolute path of the tree */
	struct sandbox_binds
		binds; /* of the host, visible inside; where nothing can be mounted, none may be read-only */
	struct strings environment; /* "NAME=VALUE", added to the default ones or in their place */
	/* Programs of the tree, absolute paths. Inside, each is replaced by a stub that does nothing and
	 * succeeds, shell and Python files alike. A missing program is no error. */
	struct strings stubbed;
	bool network; /* the host's network, for programs that must download; else only loopback */
	/* Without any capability but CAP_DAC_OVERRIDE, and no way to get one: with the host's network, root could change its
	 * interfaces and routes, and read what others send. */
	bool unprivileged;
	enum sandbox_rights rights;
	/* Borrowed; absolute path inside, NULL = none. With SANDBOX_MOUNTS, and where the builder has that right: programs may
	 * mark the directories below it as opaque for overlays (sandbox_opaque.h). */
	const char *opaque_below;
	bool forbid_services; /* a policy-rc.d that lets no service start, for the configuration of packages */
};

/* As process_run(), inside. p->env and p->setup must be NULL. Failure is ERROR_COMMAND; a program that is
 * ended by a signal counts as one that exited with 128 plus the signal's number. */
int sandbox_run(const struct sandbox *sandbox, const struct process *p, struct error *err) MUST_CHECK;
/* As process_start(), inside: for a daemon, such as containerd while images are imported. SIGTERM to the pid
 * is passed on to it. */
pid_t sandbox_start(const struct sandbox *sandbox, const struct process *p, int output_fd, struct error *err)
	MUST_CHECK;
/* Runs fn inside, in a job of its own, and waits for it. There / is the tree and process_run() runs the
 * tree's programs: one sandbox for many programs. */
int sandbox_call(const struct sandbox *sandbox, job_fn *fn, void *context, struct error *err) MUST_CHECK;
/* Removes the stub of a program; only within sandbox_call(). *ret_called: the stub has been run since the
 * sandbox was entered. */
int sandbox_release(const char *program, bool *ret_called, struct error *err) MUST_CHECK;
void sandbox_done(struct sandbox *sandbox);

/* Takes the network, loopback included, away from the calling process and all that it starts afterwards.
 * Where there are no namespaces, a seccomp filter refuses every socket except those of AF_UNIX. */
int sandbox_no_network(struct error *err) MUST_CHECK;
/* Puts the calling process into a private mount namespace, from which nothing propagates to the host. Call
 * once, before any mount. */
int sandbox_private_mounts(struct error *err) MUST_CHECK;
/* Mounts a tmpfs of at most size bytes, or an overlayfs (lower may be several directories, "TOP:...:BOTTOM"),
 * in the private mount namespace. */
int sandbox_mount_tmpfs(const char *target, unsigned long long size, struct error *err) MUST_CHECK;
int sandbox_mount_overlay(const char *lower, const char *upper, const char *work, const char *target, struct error *err)
	MUST_CHECK;
/* Bind-mounts a directory at a second place, in the private mount namespace. */
int sandbox_mount_bind(const char *source, const char *target, struct error *err) MUST_CHECK;
int sandbox_unmount(const char *target, struct error *err) MUST_CHECK;
