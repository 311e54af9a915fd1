/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network.h"

#include <string.h>

#include "builder/seed/seed_address.h"
#include "lib/alloc.h"
#include "lib/subnet.h"

static int wrong(const char *option, const char *text, const char *why, struct error *err)
{
	return why ? error_set(err, ERROR_USAGE, "%s %s: %s", option, text, why) : 0;
}

static int check_address(const char *text, struct seed_address *ret, struct error *err)
{
	return wrong("--address", text, seed_address_parse(text, ret), err);
}

static int check_other(const char *option, const char *text, int family, struct subnet *ret, struct error *err)
{
	if (!subnet_parse_address(text, ret))
		return wrong(option, text, "it must be an IP address", err);
	if (family && ret->family != family)
		return wrong(option, text, "it must be of the same family as --address", err);
	return wrong(option, text, seed_address_fault(ret, ret->bits), err);
}

static int check_gateway(const struct seed_network *n, const struct seed_address *address, struct error *err)
{
	struct subnet gateway;

	if (!n->gateway)
		return 0;
	if (check_other("--gateway", n->gateway, address->host.family, &gateway, err) < 0)
		return -1;
	if (subnet_overlap(&gateway, &address->host))
		return wrong("--gateway", n->gateway, "it is the node's own address", err);
	if (!seed_address_reaches(address, &gateway))
		return error_set(
			err, ERROR_USAGE,
			"--gateway %s: it is outside of the network of --address %s, so the node could not reach "
			"it; correct one of them, or give a network-config with an on-link route (--network of "
			"`nodekiln seed`)",
			n->gateway, n->address);
	return wrong("--gateway", n->gateway, seed_address_fault(&gateway, address->bits), err);
}

static int check(const struct seed_network *n, struct error *err)
{
	struct seed_address address;
	struct subnet other;

	if (!n->address && (n->gateway || n->nameservers.n))
		return error_set(err, ERROR_USAGE, "%s needs --address; without it the node uses DHCP",
				 n->gateway ? "--gateway" : "--nameserver");
	if (!n->address)
		return 0;
	if (check_address(n->address, &address, err) < 0 || check_gateway(n, &address, err) < 0)
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

/* The networks of pods and services, one of each family, hide the hosts whose addresses are in them: a pod, or a service, may have the
 * same one. */
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
				"the %s %s is inside networking.%s %s, so pods may not reach it; choose another, or "
				"set networking.%s to a network without it",
				what, text, key, word, key);
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
	struct seed_address address;
	struct subnet ip;

	if (!n->address || check_address(n->address, &address, err) < 0)
		return n->address ? -1 : 0;
	if (node->ip && subnet_parse_address(node->ip, &ip) && ip.family == address.host.family &&
	    !subnet_overlap(&ip, &address.host))
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
