/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A build without the rights of root: the process becomes root of its own user namespace
 * (user_namespaces(7)). The ids 1 to 65535 of that namespace are the subordinate ids of the user in
 * /etc/subuid and /etc/subgid; newuidmap and newgidmap (package uidmap) write the maps. Files made inside
 * belong to root and the other ids of the image inside, and to the subordinate ids outside, so the artifacts
 * are the same as those of a build by root.
 *
 * Root without CAP_SYS_ADMIN, as in a container, does the same with its own ids. Where it can make no user
 * namespace either, or cannot mount /proc in one, the build is restricted: with the capabilities that
 * containers have by default, packages are installed in a chroot (sandbox_chroot.h) and trees are copied
 * instead of mounted with overlayfs (overlayfs.h). The artifacts are the same; a recipe that cannot be built
 * this way is refused at the beginning.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"

#define ROOTLESS_IDS 65536u /* number of ids that an image may use, from 0 */

struct id_range {
	unsigned start, count;
};

/* Call once, before any thread is started or file opened. Does nothing for root with CAP_SYS_ADMIN.
 * ERROR_HOST names what is missing and the command that provides it. */
int rootless_enter(struct error *err) MUST_CHECK;
/* True when this user has the subordinate ids that rootless_enter() needs, or needs none; else *err says what
 * is missing. */
bool rootless_subordinate(struct error *err);
/* True in the user namespace that rootless_enter() made. */
bool rootless(void);
/* True for root that may neither mount nor make namespaces. rootless_enter() decides it, once. */
bool rootless_restricted(void);
/* The user id of the caller, as it is outside the namespace. */
uid_t rootless_caller(void);

/* Pure: the first range in the "USER:START:COUNT" lines of subuid(5) that belongs to the user and is large
 * enough. USER may be a name or a number; name may be NULL. */
bool rootless_range(const char *text, const char *name, uid_t uid, struct id_range *ret);
