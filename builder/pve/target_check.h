/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Looks before anything is done whether a target has what it takes, and collects all that is missing, each as a sentence with the
 * command or setting that mends it: what publish and deploy have in common. Functions return -1 only when they could not look.
 */
#include "builder/pve/roles.h"
#include "builder/pve/target.h"

struct target_check {
	struct pve *pve;             /* borrowed; whom to ask */
	const struct target *target; /* borrowed */
	struct strings missing;      /* sentences */
	size_t room;                 /* so many of them say that there is too little room */
	struct strings told;         /* "PATH PRIVILEGE" that is in them already */
};

PRINTF(2, 3) void target_check_miss(struct target_check *c, const char *fmt, ...);
/* images: qcow2 files will be uploaded. */
int target_check_version(struct target_check *c, bool images, struct error *err) MUST_CHECK;
/* The token must have needed (privileges with spaces between) on path; who lacks some is told to grant the role. */
int target_check_rights(struct target_check *c, const char *path, const char *needed, const struct role *role,
			struct error *err) MUST_CHECK;
int target_check_storage_rights(struct target_check *c, const char *storage, const struct role *role, struct error *err)
	MUST_CHECK;
/* Whether it may delete files there. */
int target_check_discard(struct target_check *c, const char *storage, bool *ret, struct error *err) MUST_CHECK;
/* The node must be there and on. *ret: its storages; NULL = it is not. */
int target_check_node(struct target_check *c, const char *node, struct json **ret, struct error *err) MUST_CHECK;
/* The storage must be there, on, and take such content. Returns what the node says of it; NULL = it is not there or off. */
const struct json *target_check_storage(struct target_check *c, const char *node, const struct json *storages,
					const char *storage, const char *content);
/* Reports what is missing, if anything: then it is an error. what: "the image". */
int target_check_tell(const struct target_check *c, const char *what, struct error *err) MUST_CHECK;
void target_check_done(struct target_check *c);

/* Pure pieces. What a version lacks; NULL = nothing. */
const char *target_version_lacks(const char *version, bool images);
/* Whether the answer of /access/permissions holds a privilege at path. */
bool target_permitted(const struct json *permissions, const char *path, const char *privilege);
