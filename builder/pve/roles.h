/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The privileges that a token needs, as roles, with the paths where they are granted: the smallest set that
 * was found to work. One table for `nodekiln roles`, which prints the commands, and for target_check.h, which
 * checks them before the first change.
 */
#include "builder/pve/target.h"

enum role_place { ROLE_UPLOADS, ROLE_DISKS, ROLE_GUESTS, ROLE_POOL, ROLE_BRIDGE, ROLE_GROUP };

struct role {
	const char *name;
	const char *privileges; /* with spaces between */
	enum role_place place;
	const char *what; /* one line, for the reader of `nodekiln roles` */
};

/* roles_builder: publish and deploy; the other two: the agents in the guests. */
extern const struct role roles_builder[], role_agent, role_peer; /* roles_builder ends with a NULL name */

#define ROLES_AGENT_GROUP "nodekiln-agents"

const struct role *role_of_place(enum role_place place);
/* The path where rights on guests are granted: "/pool/POOL", or "/vms" without a pool. Owned by the
 * caller. */
char *role_guest_path(const struct target *target) MUST_CHECK;
/* "pveum acl modify PATH --users U --tokens T --roles R": it works for tokens with and without privilege
 * separation. */
char *role_grant(const struct target *target, const char *path, const struct role *role) MUST_CHECK;
/* All commands that an administrator enters once, as root on a node. version: 8 or 9. Pure. */
void roles_print(const struct target *target, long version, struct text *ret);
