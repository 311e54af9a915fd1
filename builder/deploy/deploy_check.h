/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Checks before the first change that a target can accept a cluster (target_check.h). Functions return -1
 * only when the check itself failed.
 */
#include "builder/deploy/deploy_plan.h"
#include "builder/pve/target_check.h"

struct deploy_check {
	struct target_check of;
	bool may_discard;      /* the token may delete seeds */
	struct strings chosen; /* "template debian-13 on pve1: VM 9000 .." */
};

int deploy_check(struct pve *pve, const struct deploy_order *o, struct deploy_check *ret, struct error *err) MUST_CHECK;
/* *ret: the token may delete the seeds of all nodes. */
int deploy_check_discard(struct target_check *c, const struct cluster *cluster, bool *ret, struct error *err)
	MUST_CHECK;
void deploy_check_done(struct deploy_check *c);
