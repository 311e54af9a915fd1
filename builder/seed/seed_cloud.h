/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's cloud-config: host name and ssh keys (seed.h), and the user's own cloud-config. The user's keys take precedence, maps
 * are merged, ssh_authorized_keys are concatenated. No secret of ours is in it: cloud-init copies it onto the root disk. The
 * node's configuration is the seed's NODE_CONFIG_SEED.
 */
#include "builder/seed/seed.h"

/* extra: the user's own cloud-config, named by extra_file in messages; NULL = none. */
int seed_cloud_config(const struct seed *seed, const char *extra_file, const struct text *extra, struct text *ret,
		      struct error *err) MUST_CHECK;
