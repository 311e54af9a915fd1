/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `nodekiln-agent status` prints: how far this node has come (agent/state.h) and why its routes to pods are not
 * right (agent/pod_routes.h), and what its machine lacks (agent/hardware.h), in a line or, for programs, as the JSON of the state with
 * the keys "routes" and "hardware".
 */
#include "lib/error.h"
#include "lib/text.h"

/* Appends it to *ret, with a line break. ERROR_INPUT when the state cannot be parsed. */
int status_print(const char *root, bool as_json, struct text *ret, struct error *err) MUST_CHECK;
