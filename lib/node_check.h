/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Judging a node's configuration as a whole: what each key alone got right (node_field.h), several together can get wrong.
 */
#include "lib/node.h"

int node_check(const struct node *node, struct error *err) MUST_CHECK;
