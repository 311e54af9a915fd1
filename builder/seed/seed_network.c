/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/subnet.h"

/* No host has an address in these. */
static const struct {
	const char *network, *what;
} reserved[] = {
	{ "0.0.0.0/8", "no address of a host" },
	{ "127.0.0.0/8", "a loopback address" },
	{ "224.0.0.0/4", "a multicast address" },
	{ "240.0.0.0/4", "a reserved address" },
	{ "::/127", "the unspecified or the loopback address" },
	{ "ff00::/8", "a multicast address" },
};

static int check_reserved(const char *option, const char *text, const struct subnet *address, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		struct subnet network;
		if (subnet_parse(reserved[i].network, &network) && subnet_overlap(&network, address))
			return error_set(err, ERROR_USAGE, "%s %s: it is %s", option, text, reserved[i].what);
	}
	return 0;
}

/* The first and the last address of an IPv4 network, and the first of an IPv6 one (all routers, RFC 4291), are no host's; in a network
 * of two addresses both are (RFC 3021, RFC 6164). */
static int check_edges(const char *option, const char *text, const struct subnet *address, unsigned bits,
		       struct error *err)
{
	bool is_ipv4 = address->family == AF_INET;

	if (bits >= (is_ipv4 ? 31 : 127))
		return 0;
	if (subnet_is_edge(address, bits, false))
		return error_set(err, ERROR_USAGE, "%s %s: it is the address of the network itself", option, text);
	if (is_ipv4 && subnet_is_edge(address, bits, true))
		return error_set(err, ERROR_USAGE, "%s %s: it is the broadcast address of its network", option, text);
	return 0;
}

/* An address with a prefix length, e.g. 192.0.2.10/24. */
static int check_address(const char *text, struct subnet *ret, unsigned *ret_bits, struct error *err)
{
	const char *slash = strchr(text, '/');
	CLEANUP(free_p) char *address = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	CLEANUP(free_p) char *zero = NULL;
	struct subnet length;

	if (!slash || !subnet_parse_address(address, ret))
		return error_set(err, ERROR_USAGE, "--address %s: it must be ADDRESS/PREFIX, e.g. 192.0.2.10/24", text);
	zero = xasprintf("%s%s", ret->family == AF_INET ? "0.0.0.0" : "::", slash);
	if (!subnet_parse(zero, &length) || length.bits == 0)
		return error_set(err, ERROR_USAGE, "--address %s: its prefix length must be 1 to %d", text,
				 ret->family == AF_INET ? 32 : 128);
	*ret_bits = length.bits;
	if (check_reserved("--address", text, ret, err) < 0)
		return -1;
	return check_edges("--address", text, ret, length.bits, err);
}

static int check_other(const char *option, const char *text, int family, struct subnet *ret, struct error *err)
{
	if (!subnet_parse_address(text, ret))
		return error_set(err, ERROR_USAGE, "%s %s: it must be an IP address", option, text);
	if (family && ret->family != family)
		return error_set(err, ERROR_USAGE, "%s %s: it must be of the same family as --address", option, text);
	return check_reserved(option, text, ret, err);
}

/* The kernel takes a gateway only when it can reach it: in the network, or link-local. */
static int check_gateway(const struct seed_network *n, const struct subnet *address, unsigned bits, struct error *err)
{
	const struct subnet network = subnet_around(address, bits);
	struct subnet gateway, local;

	if (!n->gateway)
		return 0;
	if (check_other("--gateway", n->gateway, address->family, &gateway, err) < 0)
		return -1;
	if (subnet_overlap(&gateway, address))
		return error_set(err, ERROR_USAGE, "--gateway %s: it is the node's own address", n->gateway);
	if (subnet_parse("fe80::/10", &local) && subnet_overlap(&gateway, &local))
		return 0;
	if (!subnet_overlap(&gateway, &network))
		return error_set(
			err, ERROR_USAGE,
			"--gateway %s: it is outside of the network of --address %s, so the node could not reach "
			"it; correct one of them, or give a network-config with an on-link route (--network of "
			"`nodekiln seed`)",
			n->gateway, n->address);
	return check_edges("--gateway", n->gateway, &gateway, bits, err);
}

static int check(const struct seed_network *n, struct error *err)
{
	struct subnet address, other;
	unsigned bits;

	if (!n->address && (n->gateway || n->nameservers.n))
		return error_set(err, ERROR_USAGE, "%s needs --address; without it the node uses DHCP",
				 n->gateway ? "--gateway" : "--nameserver");
	if (!n->address)
		return 0;
	if (check_address(n->address, &address, &bits, err) < 0 || check_gateway(n, &address, bits, err) < 0)
		return -1;
	for (size_t i = 0; i < n->nameservers.n; i++)
		if (check_other("--nameserver", n->nameservers.at[i], 0, &other, err) < 0)
			return -1;
	return 0;
}

int seed_network_config(const struct seed_network *n, struct text *ret, struct error *err)
{
	if (check(n, err) < 0)
		return -1;
	if (!n->address)
		return 0;
	/* Version 1, as Proxmox VE writes it; networkd takes the name as a pattern, so that no MAC address is
	 * needed. */
	text_addf(ret,
		  "version: 1\nconfig:\n- type: physical\n  name: \"e*\"\n  subnets:\n  - type: static\n    address: "
		  "\"%s\"\n",
		  n->address);
	if (n->gateway)
		text_addf(ret, "    gateway: \"%s\"\n", n->gateway);
	if (n->nameservers.n)
		text_add(ret, "    dns_nameservers:\n");
	for (size_t i = 0; i < n->nameservers.n; i++)
		text_addf(ret, "    - \"%s\"\n", n->nameservers.at[i]);
	return 0;
}

#define SERVICES_DEFAULT "10.96.0.0/12" /* kubeadm's default */

/* The networks of pods and services, one of each family, hide the hosts whose addresses are in them. */
static int check_hidden(const char *what, const char *text, const char *key, const char *networks, struct error *err)
{
	CLEANUP(free_p) char *copy = networks ? xstrdup(networks) : NULL;
	CLEANUP(free_p) char *plain = xstrndup(text, strcspn(text, "/"));
	char *rest = copy, *word;
	struct subnet network, address;

	while (rest && (word = strsep(&rest, ",")))
		if (subnet_parse(word, &network) && subnet_parse_address(plain, &address) &&
		    subnet_overlap(&network, &address))
			return error_set(
				err, ERROR_INPUT,
				"the %s %s is inside networking.%s %s, so pods could not reach it; choose another",
				what, text, key, word);
	return 0;
}

static int check_place(const char *what, const char *text, const struct node_config *node, struct error *err)
{
	/* The cluster of a node that joins may have other networks than the default. */
	const char *services =
		node->service_subnet || node->role != NODE_INIT ? node->service_subnet : SERVICES_DEFAULT;

	if (!text)
		return 0;
	if (check_hidden(what, text, "pod_subnet", node->pod_subnet, err) < 0)
		return -1;
	return check_hidden(what, text, "service_subnet", services, err);
}

int seed_network_check_node(const struct seed_network *n, const struct node_config *node, struct error *err)
{
	struct subnet address, ip;
	unsigned bits;

	if (!n->address || check_address(n->address, &address, &bits, err) < 0)
		return n->address ? -1 : 0;
	if (node->ip && subnet_parse_address(node->ip, &ip) && ip.family == address.family &&
	    !subnet_overlap(&ip, &address))
		return error_set(err, ERROR_INPUT, "node.ip is %s, but the node's address is %s; correct one of them",
				 node->ip, n->address);
	if (!n->gateway && !node->ip)
		return error_set(err, ERROR_INPUT,
				 "the address %s has no gateway: kubeadm and kubelet find the node's address by its "
				 "default route; give a gateway, or set node.ip",
				 n->address);
	for (size_t i = 0; i < n->nameservers.n; i++)
		if (check_place("name server", n->nameservers.at[i], node, err) < 0)
			return -1;
	if (check_place("address", n->address, node, err) < 0)
		return -1;
	return check_place("gateway", n->gateway, node, err);
}
