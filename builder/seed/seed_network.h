/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cloud-init's network-config for the usual machine: one card, one fixed address. Anything else is a file of the user's.
 */
#include "lib/error.h"
#include "lib/text.h"

struct seed_network {
	const char *address;        /* borrowed; ADDRESS/LENGTH; NULL = DHCP, and then nothing else may be said */
	const char *gateway;        /* borrowed; NULL = none */
	struct strings nameservers; /* owned */
};

/* Pure. Nothing is added for DHCP. ERROR_USAGE names the option that is wrong. */
int seed_network_config(const struct seed_network *network, struct text *ret, struct error *err) MUST_CHECK;
