/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What distinguishes a guest from others that get its VMID later: the SMBIOS UUID of a VM, the MAC address of a container's
 * first network card. PVE makes them; a clone gets others, and VM.Config.Options is not enough to change them. Pure.
 */
#include "lib/json.h"
#include "lib/pve_guest.h"

/* In lower case, owned by the caller; NULL = the configuration has none. */
char *pve_identity(const struct json *config, enum pve_kind kind) MUST_CHECK;
