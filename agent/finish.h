/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * After the join: secrets leave the disk, the sentinels appear, the agent disables itself. Every function may run again after it
 * was cut off.
 */
#include "lib/error.h"
#include "lib/node.h"

#define FINISH_STAMP "/var/lib/nodekiln/done" /* ours, lasting; the unit's condition */
#define FINISH_SENTINEL                                                                                                \
	"/run/cluster-api/bootstrap-success.complete" /* Cluster API's contract for bootstrap providers */

/* Overwrites and removes node.yaml's secrets and every copy of user-data that cloud-init keeps (user-data.txt*, vendor-data.txt*,
 * cloud-config.txt, obj.pkl, scripts, instance-data-sensitive.json, combined-cloud-config.json, ...). What holds a secret and must stay
 * (node.yaml) is written again without it. Returns an error when a secret is still in one of these places afterwards. */
int finish_wipe(const char *root, const struct node *node, struct error *err) MUST_CHECK;
int finish_sentinels(const char *root, struct error *err) MUST_CHECK;
/* Removes the unit's wants links, as `systemctl disable` does. */
int finish_disable(const char *root, struct error *err) MUST_CHECK;
