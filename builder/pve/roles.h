/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a token must be allowed to do, as roles and where they are given: the least that was seen to work. One table for who prints
 * the commands (`nodekiln roles`) and who looks whether it is so before anything is done (target_check.h).
 */
#include "builder/pve/target.h"

enum role_place { ROLE_UPLOADS, ROLE_DISKS, ROLE_GUESTS, ROLE_POOL, ROLE_BRIDGE, ROLE_GROUP };

struct role {
	const char *name;
	const char *privileges; /* with spaces between */
	enum role_place place;
	const char *what; /* one line, for people */
};

/* For publish and deploy; and for the agents in the guests. */
extern const struct role roles_builder[], role_agent, role_peer; /* roles_builder ends with a NULL name */

#define ROLES_AGENT_GROUP "nodekiln-agents"

const struct role *role_of_place(enum role_place place);
/* Where a guest's rights are given: "/pool/POOL", or "/vms" without a pool. Owned by the caller. */
char *role_guest_path(const struct target *target) MUST_CHECK;
/* "pveum acl modify PATH --users U --tokens T --roles R": right for tokens with privileges of their own and without. */
char *role_grant(const struct target *target, const char *path, const struct role *role) MUST_CHECK;
/* Everything an administrator has to type once, as root on a node. version: 8 or 9. Pure. */
void roles_print(const struct target *target, long version, struct text *ret);
