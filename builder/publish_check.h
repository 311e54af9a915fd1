/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Looks before any byte goes out whether a target can take an image, and collects all that is missing, each with the command or
 * setting that mends it. Returns -1 only when it could not look.
 */
#include "builder/publish_plan.h"

struct publish_check {
	struct strings missing; /* sentences */
	struct strings warnings;
	bool space_only;      /* of what is missing, all is room */
	unsigned may_discard; /* PUBLISH_VM, PUBLISH_CT */
	bool shared;          /* several nodes see the same upload storage */
};

/* The version and the token's rights: the same for all nodes. */
int publish_check_token(struct pve *pve, const struct publish_order *o, struct publish_check *c, struct error *err)
	MUST_CHECK;
/* One node: that it is there, its storages, and room for what is to be done; steps NULL = everything. */
int publish_check_node(struct pve *pve, const struct publish_order *o, const struct publish_steps *steps,
		       struct publish_check *c, struct error *err) MUST_CHECK;
void publish_check_done(struct publish_check *c);

/* Pure pieces. What a version lacks; NULL = nothing. */
const char *publish_check_version(const char *version, unsigned parts);
/* The privileges of needed (with spaces between) that the answer of /access/permissions does not hold at path; "" = none lacks. */
void publish_check_lacking(const struct json *permissions, const char *path, const char *needed, struct text *ret);
