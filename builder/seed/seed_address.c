/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_address.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/macro.h"

/* No host has an address in these. */
static const struct {
	const char *network, *what;
} reserved[] = {
	{ "0.0.0.0/8", "it is no address of a host" },
	{ "127.0.0.0/8", "it is a loopback address" },
	{ "224.0.0.0/4", "it is a multicast address" },
	{ "240.0.0.0/4", "it is a reserved address" },
	{ "::/127", "it is the unspecified or the loopback address" },
	{ "ff00::/8", "it is a multicast address" },
};

/* The first and the last address of an IPv4 network, and the first of an IPv6 one (all routers, RFC 4291), are no host's; in a network
 * of two addresses both are (RFC 3021, RFC 6164). */
static const char *edge_of(const struct subnet *host, unsigned bits)
{
	bool is_ipv4 = host->family == AF_INET;

	if (bits >= (is_ipv4 ? 31 : 127))
		return NULL;
	if (subnet_is_edge(host, bits, false))
		return "it is the address of the network itself";
	return is_ipv4 && subnet_is_edge(host, bits, true) ? "it is the broadcast address of its network" : NULL;
}

const char *seed_address_fault(const struct subnet *host, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		struct subnet network;
		if (subnet_parse(reserved[i].network, &network) && subnet_overlap(&network, host))
			return reserved[i].what;
	}
	return edge_of(host, bits);
}

const char *seed_address_parse(const char *text, struct seed_address *ret)
{
	const char *slash = strchr(text, '/');
	CLEANUP(free_p) char *address = xstrndup(text, strcspn(text, "/")), *zero = NULL;
	struct subnet length;

	if (!slash || !subnet_parse_address(address, &ret->host))
		return "it must be ADDRESS/PREFIX, e.g. 192.0.2.10/24";
	zero = xasprintf("%s%s", ret->host.family == AF_INET ? "0.0.0.0" : "::", slash);
	if (!subnet_parse(zero, &length) || length.bits == 0)
		return ret->host.family == AF_INET ? "its prefix length must be 1 to 32"
						   : "its prefix length must be 1 to 128";
	ret->bits = length.bits;
	return seed_address_fault(&ret->host, ret->bits);
}

bool seed_address_reaches(const struct seed_address *node, const struct subnet *gateway)
{
	const struct subnet network = subnet_around(&node->host, node->bits);
	struct subnet local;

	return subnet_overlap(gateway, &network) ||
	       (subnet_parse("fe80::/10", &local) && subnet_overlap(gateway, &local));
}
