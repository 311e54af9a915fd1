/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A user's own network-config. cloud-init drops one that it does not understand, and the guest silently uses DHCP: so its form is checked
 * here; and its addresses and gateways, as those of the options are (seed_address.h). Formats, versions 1 and 2, with or without the key
 * `network` around them: https://cloudinit.readthedocs.io/en/latest/reference/network-config.html
 */
#include "lib/error.h"
#include "lib/text.h"

/* Pure; file: its name in messages. ERROR_INPUT. */
int seed_network_file_check(const char *file, const struct text *text, struct error *err) MUST_CHECK;
