/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Adapts the container runtime's configuration before its first start. When overlayfs does not work on the
 * file system of the runtime's layers (a container's root on ZFS before 2.2), the runtime is configured to
 * copy layers instead. This is never reverted, because the existing layers would be lost.
 */
#include "agent/facts.h"

int containerd_config_adapt(const char *root, const struct facts *m, struct error *err) MUST_CHECK;
