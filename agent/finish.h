/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * After the join: secrets are wiped from the disk, the sentinels are written, the agent disables itself.
 * Every function can be repeated after an interruption.
 */
#include "lib/error.h"
#include "lib/node_config.h"

#define FINISH_STAMP "/var/lib/nodekiln/done" /* our own, persistent; a condition of the unit */
/* Cluster API's contract for bootstrap providers. */
#define FINISH_SENTINEL "/run/cluster-api/bootstrap-success.complete"

/* Waits for cloud-init's last stage, which still reads its cache. Then it overwrites the node's secrets
 * in place (secret_wipe.h) wherever they are: in all of cloud-init's copies of user-data and vendor-data,
 * in its logs, and last in our own configuration, which stays valid. It is an error when a secret is
 * still found afterwards.
 *
 * This covers files. cloud-init writes its obj.pkl several times during a boot, and the blocks of earlier
 * versions are free by then. They are discarded where the disk supports that; thin-provisioned disks discard
 * whole clusters only (64 KiB and more). */
int finish_wipe(const char *root, const struct node_config *node, struct error *err) MUST_CHECK;
/* kubelet's configuration, which kubeadm writes with 0644, becomes root's alone (CIS 4.1.9). */
int finish_modes(const char *root, struct error *err) MUST_CHECK;
int finish_sentinels(const char *root, struct error *err) MUST_CHECK;
/* Removes the unit's wants links, as `systemctl disable` does. */
int finish_disable(const char *root, struct error *err) MUST_CHECK;
