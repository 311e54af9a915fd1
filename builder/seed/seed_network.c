/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/subnet.h"

/* An address with a prefix length, e.g. 192.0.2.10/24. */
static int check_address(const char *text, struct subnet *ret, struct error *err)
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
	return 0;
}

static int check_other(const char *option, const char *text, int family, struct error *err)
{
	struct subnet address;

	if (!subnet_parse_address(text, &address))
		return error_set(err, ERROR_USAGE, "%s %s: it must be an IP address", option, text);
	if (family && address.family != family)
		return error_set(err, ERROR_USAGE, "%s %s: it must be of the same family as --address", option, text);
	return 0;
}

static int check(const struct seed_network *n, struct error *err)
{
	struct subnet address;

	if (!n->address && (n->gateway || n->nameservers.n))
		return error_set(err, ERROR_USAGE, "%s needs --address; without it the node uses DHCP",
				 n->gateway ? "--gateway" : "--nameserver");
	if (!n->address)
		return 0;
	if (check_address(n->address, &address, err) < 0 ||
	    (n->gateway && check_other("--gateway", n->gateway, address.family, err) < 0))
		return -1;
	for (size_t i = 0; i < n->nameservers.n; i++)
		if (check_other("--nameserver", n->nameservers.at[i], 0, err) < 0)
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
