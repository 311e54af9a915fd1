/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Looks before any byte goes out whether a target can take an image (target_check.h). Returns -1 only when it could not look.
 */
#include "builder/publish/publish_plan.h"
#include "builder/pve/target_check.h"

struct publish_check {
	struct target_check of;
	struct strings warnings;
	bool shared; /* several nodes see the same upload storage */
};

/* The token's rights for a node's order; finds out o->may_discard. */
int publish_check_rights(struct publish_check *c, struct publish_order *o, struct error *err) MUST_CHECK;
/* One node: that it is there, its storages, and room for what is to be done; steps NULL = everything. */
int publish_check_node(struct publish_check *c, const struct publish_order *o, const struct publish_steps *steps,
		       struct error *err) MUST_CHECK;
void publish_check_done(struct publish_check *c);
