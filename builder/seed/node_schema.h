/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys of a node configuration, for documentation. lib/node_config_schema.c has their types and checks; the texts are here, so
 * that they are not in the agent.
 */
#include "lib/schema.h"

extern const struct schema node_schema;
