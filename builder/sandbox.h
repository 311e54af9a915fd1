/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a tree's own programs run: chrooted into it, in private mount, PID, network, IPC and UTS namespaces (libmount does the
 * mounts), with /proc, a minimal /dev, empty /run and /tmp, no network but loopback, the environment of a package
 * installation, and nothing of the host in reach. All of it dies with us, even by SIGKILL; no mount ever shows on the host.
 */
#include "lib/error.h"
#include "lib/process.h"

struct sandbox {
	const char *root;	    /* borrowed; absolute path of the tree */
	struct strings binds;	    /* "SOURCE:TARGET": host directories to show inside, read-write */
	struct strings environment; /* "NAME=VALUE" beside the default ones */
};

/* As process_run(), inside. p->env and p->setup must be NULL. Failure is ERROR_SANDBOX. */
int sandbox_run(const struct sandbox *sandbox, const struct process *p, struct error *err) MUST_CHECK;
/* As process_start(), inside: for a daemon such as containerd while images are imported. */
pid_t sandbox_start(const struct sandbox *sandbox, const struct process *p, int output_fd, struct error *err) MUST_CHECK;
/* Puts the calling process into a private mount namespace, with nothing propagating to the host; once, before any mount. */
int sandbox_private_mounts(struct error *err) MUST_CHECK;
/* Mounts a tmpfs of at most size bytes, or an overlay (upper and work made beside it), in our private mount namespace. */
int sandbox_mount_tmpfs(const char *target, unsigned long long size, struct error *err) MUST_CHECK;
int sandbox_mount_overlay(const char *lower, const char *upper, const char *work, const char *target, struct error *err) MUST_CHECK;
/* Shows a directory at a second place, in our private mount namespace. */
int sandbox_mount_bind(const char *source, const char *target, struct error *err) MUST_CHECK;
int sandbox_unmount(const char *target, struct error *err) MUST_CHECK;
void sandbox_done(struct sandbox *sandbox);
