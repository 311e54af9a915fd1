/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Checks before the first upload that a target can accept an image (target_check.h). Functions return -1 only
 * when the check itself failed.
 */
#include "builder/publish/publish_plan.h"
#include "builder/pve/target_check.h"

struct publish_check {
	struct target_check of;
	struct strings warnings;
	bool shared; /* several nodes see the same upload storage */
};

/* The token's rights for a node's order; sets o->may_discard. */
int publish_check_rights(struct publish_check *c, struct publish_order *o, struct error *err) MUST_CHECK;
/* The node is online, its storages are usable and have space for the steps; steps NULL = for all possible
 * ones. */
int publish_check_node(struct publish_check *c, const struct publish_order *o, const struct publish_steps *steps,
		       struct error *err) MUST_CHECK;
void publish_check_done(struct publish_check *c);
