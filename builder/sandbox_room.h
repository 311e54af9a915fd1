/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The room of a sandbox: what stands in the tree while its programs run, and the walls around it. For sandbox.c alone.
 */
#include <stdbool.h>

#include "builder/sandbox.h"

/* In a mount and network namespace of our own, as its first process: furnishes the tree and makes it /. */
int sandbox_room_enter(const struct sandbox *sandbox, struct error *err) MUST_CHECK;
/* A mount point for policy-rc.d in the tree: true when it was missing and had to be made. */
bool sandbox_room_open_policy(const char *root);
void sandbox_room_close_policy(const char *root);
