/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A build without root's rights: the process becomes root of a user namespace of its own, in which the ids 1 to 65535 are those that
 * /etc/subuid and /etc/subgid lend its user (newuidmap and newgidmap, package uidmap, put them in). What is made there belongs to
 * the lent ids outside and to root and the rest inside, so the artifacts are the same.
 *
 * Root without CAP_SYS_ADMIN, as in a container, does the same with its own ids. Where no user namespace may be made either, or /proc
 * can't be mounted in one, root is confined: with the capabilities that containers have by default, packages are installed in a chroot
 * (sandbox_chroot.h) and trees are copied instead of mounted over each other (overlayfs.h). The artifacts are the same; what can't be built so
 * is refused at the beginning.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"

#define ROOTLESS_IDS 65536u /* that an image may use */

struct id_range {
	unsigned start, count;
};

/* Once, before threads or files: does nothing when we have root's rights. ERROR_HOST says what is missing and how to get it. */
int rootless_enter(struct error *err) MUST_CHECK;
/* The ids that rootless_enter would need are lent to this user, or not needed. */
bool rootless_subordinate(struct error *err);
/* True in such a namespace. */
bool rootless(void);
/* True for root that may neither mount nor make namespaces. Decided once, by rootless_enter(). */
bool rootless_restricted(void);
/* The user that called us. */
uid_t rootless_caller(void);

/* Pure: the first range of "USER:START:COUNT" lines that is large enough; user may stand there by name or number. */
bool rootless_range(const char *text, const char *name, uid_t uid, struct id_range *ret);
