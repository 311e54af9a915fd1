/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * IP networks of either family. An address is a network of full prefix length, so subnet_overlap() also answers whether a network
 * contains an address.
 */
#include <stdbool.h>
#include <stdint.h>

struct subnet {
	int family;          /* AF_INET or AF_INET6 */
	uint8_t address[16]; /* in network order; the first 4 of IPv4 */
	unsigned bits;       /* prefix length */
};

/* "10.244.0.0/16". An address with host bits set is refused, because it is ambiguous. */
bool subnet_parse(const char *text, struct subnet *ret);
/* "10.0.0.7", "fd00::7". */
bool subnet_parse_address(const char *text, struct subnet *ret);
/* The network of `bits` that the address is in. */
struct subnet subnet_around(const struct subnet *address, unsigned bits);
/* Whether all bits of the address behind the first `bits` are `one`: it is the network's own (false) or its broadcast address. */
bool subnet_is_edge(const struct subnet *address, unsigned bits, bool one);
bool subnet_overlap(const struct subnet *a, const struct subnet *b);
