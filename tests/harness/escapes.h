/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ways out of the sandbox, a table a kind; escapes.c tries them all.
 */
#include <stdbool.h>

struct way {
	const char *name;
	bool (*try)(void); /* true: it is open. Else errno may say why it is closed */
};
extern const struct way file_ways[], process_ways[], call_ways[]; /* each ends with a NULL name */

/* What the host has for them to find: the program's arguments. */
enum { CANARY = 1, PORT, SOCKET, KEY, PID, DEVICE, NAMESPACES, ARGUMENTS };
extern char **host;

bool opens(const char *path, int flags);
