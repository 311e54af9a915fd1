/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a tree's own programs run: the tree as /, in private mount, PID, network, IPC and UTS namespaces (libmount does the
 * mounts), with /proc, a minimal /dev, empty /run and /tmp, no /sys, no network but loopback, the environment of a package
 * installation, and nothing of the host in reach. All of it dies with us, even by SIGKILL; no mount ever shows on the host.
 *
 * Where neither mounts nor namespaces can be made (rootless_restricted()) it is a cell, which is less: see sandbox_chroot.h.
 */
#include "lib/error.h"
#include "lib/job.h"
#include "lib/process.h"

struct sandbox {
	const char *root;           /* borrowed; absolute path of the tree */
	struct strings binds;       /* "SOURCE:TARGET": host directories or files to show inside, read-write */
	struct strings environment; /* "NAME=VALUE" beside the default ones */
	/* Programs of the tree, absolute: inside they do nothing and succeed, shell and Python files alike. A missing one is
	 * fine. */
	struct strings stubbed;
	bool forbid_services; /* while packages are configured: a policy-rc.d that lets no service start */
};

/* As process_run(), inside. p->env and p->setup must be NULL. Failure is ERROR_COMMAND; a program that a signal ended counts as
 * one that exited with 128 and the signal's number. */
int sandbox_run(const struct sandbox *sandbox, const struct process *p, struct error *err) MUST_CHECK;
/* As process_start(), inside: for a daemon such as containerd while images are imported. SIGTERM to the pid reaches it. */
pid_t sandbox_start(const struct sandbox *sandbox, const struct process *p, int output_fd, struct error *err)
	MUST_CHECK;
/* Runs fn inside, as a job of its own that is waited for: there process_run() runs the tree's programs and / is the tree. One
 * sandbox for many programs. */
int sandbox_call(const struct sandbox *sandbox, job_fn *fn, void *context, struct error *err) MUST_CHECK;
/* From then on a held program is itself again. Only within sandbox_call(). *ret_called: somebody wanted it meanwhile. */
int sandbox_release(const char *program, bool *ret_called, struct error *err) MUST_CHECK;
void sandbox_done(struct sandbox *sandbox);

/* Takes the network from the calling process and all that it starts from then on: not even loopback is left. In a cell's place it is
 * every socket but those of AF_UNIX. */
int sandbox_no_network(struct error *err) MUST_CHECK;
/* Puts the calling process into a private mount namespace, with nothing propagating to the host; once, before any mount. */
int sandbox_private_mounts(struct error *err) MUST_CHECK;
/* Mounts a tmpfs of at most size bytes, or an overlay (lower may be several directories, "TOP:...:BOTTOM"), in our private
 * mount namespace. */
int sandbox_mount_tmpfs(const char *target, unsigned long long size, struct error *err) MUST_CHECK;
int sandbox_mount_overlay(const char *lower, const char *upper, const char *work, const char *target, struct error *err)
	MUST_CHECK;
/* Shows a directory at a second place, in our private mount namespace. */
int sandbox_mount_bind(const char *source, const char *target, struct error *err) MUST_CHECK;
int sandbox_unmount(const char *target, struct error *err) MUST_CHECK;
