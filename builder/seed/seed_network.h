/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cloud-init's network-config for the common case: one network card with one fixed address. For anything else the user
 * gives a file.
 */
#include "lib/node_config.h"
#include "lib/text.h"

struct seed_network {
	const char *address;        /* borrowed; ADDRESS/PREFIX; NULL = DHCP, and then the rest must be empty */
	const char *gateway;        /* borrowed; NULL = none */
	struct strings nameservers; /* owned */
};

/* Pure. Adds nothing for DHCP. ERROR_USAGE names the option that is wrong: an address that no host can have, or a gateway that it cannot
 * reach. */
int seed_network_config(const struct seed_network *network, struct text *ret, struct error *err) MUST_CHECK;
/* Pure: what the node's configuration says about its own address and the cluster's networks. ERROR_INPUT. */
int seed_network_check_node(const struct seed_network *network, const struct node_config *node, struct error *err)
	MUST_CHECK;
