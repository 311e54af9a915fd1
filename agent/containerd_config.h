/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Before the container runtime starts for the first time: when the file system that its layers are to be on takes no overlays (a
 * container's root on ZFS before 2.2), it is told to copy them instead. Never back: the layers that are there would be lost.
 */
#include "agent/facts.h"

int containerd_config_adapt(const char *root, const struct facts *m, struct error *err) MUST_CHECK;
