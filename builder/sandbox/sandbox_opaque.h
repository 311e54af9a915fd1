/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A layer of a container image may replace a whole directory. containerd marks it with the attribute trusted.overlay.opaque,
 * which only root of the host may set, and which the guest's kernel reads. containerd is in a user namespace here, so
 * setxattr(2) is passed to the sandbox's keeper, which sets this one attribute, to its one value, on a directory of the store;
 * the kernel continues, and refuses, all else. Private to the sandbox_* files.
 */
#include <stdbool.h>

/* In the keeper: answers one call. below: absolute path inside; only directories below it are marked, and no link is
 * followed to them. False when no process is left that could call. */
bool sandbox_opaque_answer(int listener, const char *below);
