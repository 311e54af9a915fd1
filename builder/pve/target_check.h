/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Checks a target before the first change and collects everything that is missing, each as a sentence with
 * the command or setting that fixes it; used by publish and deploy. Functions return -1 only when the check
 * itself failed, for example because PVE did not answer: that is never reported as something missing.
 */
#include "builder/pve/roles.h"
#include "builder/pve/target.h"

/* What a storage lacks, all in one sentence. */
struct target_lack {
	char *storage, *content; /* owned; "import,vztmpl" */
	size_t sentence;         /* index in missing */
};

struct target_check {
	struct pve *pve;             /* borrowed */
	const struct target *target; /* borrowed */
	struct strings missing;      /* sentences, each once */
	size_t space;                /* how many of them are about too little free space */
	struct strings reported;     /* "PATH PRIVILEGE" of what is in missing already */
	VEC(struct target_lack) lacks;
};

PRINTF(2, 3) void target_check_miss(struct target_check *c, const char *fmt, ...);
/* images: qcow2 files will be uploaded. */
int target_check_version(struct target_check *c, bool images, struct error *err) MUST_CHECK;
/* The token must have needed (privileges, separated by spaces) on path; else the sentence says how to
 * grant the role. */
int target_check_rights(struct target_check *c, const char *path, const char *needed, const struct role *role,
			struct error *err) MUST_CHECK;
int target_check_storage_rights(struct target_check *c, const char *storage, const struct role *role, struct error *err)
	MUST_CHECK;
/* *ret: the token may delete files in the storage. */
int target_check_discard(struct target_check *c, const char *storage, bool *ret, struct error *err) MUST_CHECK;
/* target_check_node.c: the node must exist and be online. *ret: its storages; NULL = it does not or is not. */
int target_check_node(struct target_check *c, const char *node, struct json **ret, struct error *err) MUST_CHECK;
/* The storage must exist, be enabled and active, and accept the content type. Returns its entry in
 * storages; NULL = it cannot be used. */
const struct json *target_check_storage(struct target_check *c, const char *node, const struct json *storages,
					const char *storage, const char *content);
/* The node has the target's bridge, or VNet. To be called after the rights were checked. */
int target_check_bridge(struct target_check *c, const char *node, struct error *err) MUST_CHECK;
/* target_check.c: reports what is missing: ERROR_TARGET or ERROR_SPACE; 0 when nothing is. what: "the image". */
int target_check_report(const struct target_check *c, const char *what, struct error *err) MUST_CHECK;
void target_check_done(struct target_check *c);

/* Pure. Why a PVE version does not suffice; NULL = it does. */
const char *target_version_lacks(const char *version, bool images);
/* True when the answer of /access/permissions has the privilege at path. */
bool target_permitted(const struct json *permissions, const char *path, const char *privilege);
