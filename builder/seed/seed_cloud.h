/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's cloud-config: host name and ssh keys (seed.h), the node's configuration as a file that only root can read,
 * and the user's own cloud-config. The user's keys take precedence, maps are merged, write_files and
 * ssh_authorized_keys are concatenated.
 */
#include "builder/seed/seed.h"

/* node: the text of NODE_CONFIG_FILE. extra: the user's own cloud-config, named by extra_file in messages; NULL
 * = none. */
int seed_cloud_config(const struct seed *seed, const char *node, const char *extra_file, const struct text *extra,
		      struct text *ret, struct error *err) MUST_CHECK;
