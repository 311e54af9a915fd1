/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What would stop deploy when some guests are made already: VMIDs that are taken, disks smaller than their template's, linked clones
 * on storages that cannot make them, a container's image that is missing or too old. All is reported (target_check.h) before anything is
 * made.
 */
#include "builder/deploy/deploy_check.h"

/* The VMIDs that the cluster's file names. */
int deploy_check_vmids(struct deploy_check *k, const struct deploy_order *o, struct error *err) MUST_CHECK;
/* The nodes that are cloned from this template, as n is; storages: the list of n's node of PVE. */
int deploy_check_clones(struct deploy_check *k, const struct deploy_order *o, const struct cluster_node *n,
			long template, const struct json *storages, struct error *err) MUST_CHECK;
/* The image of the containers. */
int deploy_check_container(struct deploy_check *k, const struct deploy_order *o, struct error *err) MUST_CHECK;
