/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Checks of a node's configuration as a whole: combinations of keys whose single values are valid (node_config_schema.h).
 */
#include "lib/error.h"
#include "lib/macro.h"
#include "lib/node_config.h"

/* ERROR_INPUT with the origin of the first fault. */
int node_config_check(const struct node_config *node, struct error *err) MUST_CHECK;
