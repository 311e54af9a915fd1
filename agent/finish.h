/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * After the join: secrets leave the disk, the sentinels appear, the agent disables itself. Every function may run again after it
 * was cut off.
 */
#include "lib/error.h"
#include "lib/node_config.h"

#define FINISH_STAMP "/var/lib/nodekiln/done" /* ours, lasting; the unit's condition */
#define FINISH_SENTINEL                                                                                                \
	"/run/cluster-api/bootstrap-success.complete" /* Cluster API's contract for bootstrap providers */

/* Waits for cloud-init's last stage, which still reads its cache, and then overwrites the node's secrets in place (secret_wipe.h) wherever
 * they are: in all that cloud-init keeps of user-data and vendor-data, in its logs, and last in our own configuration, which stays
 * valid. An error when one is still found afterwards.
 *
 * That is about files. cloud-init writes its obj.pkl several times a boot, and blocks of its earlier versions are free by then: they
 * are discarded where the disk can do that, which thin disks do for whole clusters (64 KiB and more) only. */
int finish_wipe(const char *root, const struct node_config *node, struct error *err) MUST_CHECK;
int finish_sentinels(const char *root, struct error *err) MUST_CHECK;
/* Removes the unit's wants links, as `systemctl disable` does. */
int finish_disable(const char *root, struct error *err) MUST_CHECK;
