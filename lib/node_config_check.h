/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Judging a node's configuration as a whole: what each key alone got right (node_config_schema.h), several together can get wrong.
 */
#include "lib/node_config.h"

int node_config_check(const struct node_config *node, struct error *err) MUST_CHECK;
