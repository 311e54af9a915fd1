/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The address of a node in its network, and its gateway: what no host can have, and what a node cannot reach. Pure.
 */
#include "lib/subnet.h"

struct seed_address {
	struct subnet host;
	unsigned bits; /* prefix length of its network */
};

/* "192.0.2.10/24". NULL, or what is wrong, static: "it is a loopback address". */
const char *seed_address_parse(const char *text, struct seed_address *ret);
/* What is wrong with an address in a network of `bits`; NULL = a host can have it. */
const char *seed_address_fault(const struct subnet *host, unsigned bits);
/* The kernel takes a gateway only when it can reach it: in the node's network, or link-local. */
bool seed_address_reaches(const struct seed_address *node, const struct subnet *gateway);
