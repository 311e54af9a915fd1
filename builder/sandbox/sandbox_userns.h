/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The user namespace of the programs in a sandbox (user_namespaces(7)), below the one of the builder. It owns none of the
 * sandbox's namespaces: its root may change no mount, no network interface and no host name, and has no right over
 * anything of the host, whose capabilities end at the builder. Every id of the builder's namespace is mapped to itself,
 * so that the files of a tree have the same owners on both sides; no file system needs to support mapped mounts.
 *
 * A helper, the keeper, stays in the builder's user namespace and in the sandbox's other namespaces. It writes the maps,
 * and unmounts stubs for sandbox_release(). No program inside has a descriptor of its socket, and none may trace it. The
 * process that enters has the same ids as the programs that it starts: it is closed to them, too, up to its execve(2).
 * Private to the sandbox_* files.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

/* In the mount namespace of the sandbox. mounts: with a mount namespace that belongs to the new user namespace, where
 * the mounts that are there already can be neither removed nor changed. opaque_below: see sandbox_opaque.h; NULL = none. */
int sandbox_userns_enter(bool mounts, const char *opaque_below, struct error *err) MUST_CHECK;
/* The keeper answers the calls that a filter passes to this listener, and nothing else afterwards: for opaque_below. */
int sandbox_userns_send_listener(int listener, struct error *err) MUST_CHECK;
/* True after sandbox_userns_enter(), in its process and its children up to execve(2). */
bool sandbox_userns_entered(void);
/* Unmounts the topmost mount at an absolute path; never with mounts of the programs' own. */
int sandbox_userns_unmount(const char *path, struct error *err) MUST_CHECK;

/* Pure: the identity of each range in the "INSIDE OUTSIDE COUNT" lines of a map, as the map of a namespace below. */
void sandbox_userns_identity(const char *map, struct text *ret);
