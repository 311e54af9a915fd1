/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "builder/seed/seed_address.h"
#include "lib/macro.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define HINT "a network-config is a map with version: 1 and config, or with version: 2 and ethernets"

static bool is_word(const struct yaml *node, const char *word)
{
	return node && node->kind == YAML_SCALAR && !strcmp(node->value, word);
}

static bool is_one_of(const struct yaml *node, const char *const *words)
{
	for (; *words; words++)
		if (is_word(node, *words))
			return true;
	return false;
}

/* ---- addresses ---- */

struct addresses {
	struct seed_address *at; /* owned; vec.h */
	size_t n, max;
};

static void addresses_done(struct addresses *list)
{
	vec_done(list);
}

/* Adds a card's address to those of all cards. */
static int add_address(struct addresses *all, const struct yaml *at, const char *text, struct error *err)
{
	struct seed_address address;
	const char *why = seed_address_parse(text, &address);

	if (why)
		return yaml_error(at, err, "the address %s: %s", text, why);
	for (size_t i = 0; i < all->n; i++)
		if (subnet_overlap(&all->at[i].host, &address.host))
			return yaml_error(at, err, "the address %s is there twice", text);
	vec_push(all, address);
	return 0;
}

/* first: index in all of the card's own addresses. Routers advertise networks of IPv6, so there nothing is known to be out of reach. */
static int check_gateway(const struct addresses *all, size_t first, const struct yaml *at, bool anywhere,
			 struct error *err)
{
	struct subnet gateway;
	bool reached = anywhere || first == all->n;

	if (at->kind != YAML_SCALAR || !subnet_parse_address(at->value, &gateway))
		return yaml_error(at, err, "a gateway is an IP address");
	const char *why = seed_address_fault(&gateway, gateway.bits);
	if (why)
		return yaml_error(at, err, "the gateway %s: %s", at->value, why);
	for (size_t i = first; i < all->n; i++) {
		if (subnet_overlap(&all->at[i].host, &gateway))
			return yaml_error(at, err, "the gateway %s is the node's own address", at->value);
		reached = reached || gateway.family == AF_INET6 || seed_address_reaches(&all->at[i], &gateway);
	}
	if (reached)
		return 0;
	return yaml_error(at, err,
			  "the gateway %s is outside of the networks of its card's addresses, so the node could not "
			  "reach it; correct one of them, or add on-link: true to its route (version 2)",
			  at->value);
}

/* ---- version 1 ---- */

/* "255.255.255.0", "24" */
static bool parse_mask(const char *text, unsigned *ret)
{
	struct subnet mask;
	char *end;

	*ret = (unsigned)strtoul(text, &end, 10);
	if (!*end && end > text)
		return true;
	if (!subnet_parse_address(text, &mask))
		return false;
	for (*ret = 0; *ret < mask.bits && mask.address[*ret / 8] & (0x80 >> *ret % 8);)
		++*ret;
	return subnet_is_edge(&mask, *ret, false) || *ret == mask.bits;
}

/* The prefix length may be in a key of its own; cloud-init's defaults are 24 and 64. */
static int check_static(struct addresses *all, const struct yaml *subnet, struct error *err)
{
	const struct yaml *address = yaml_find(subnet, "address"), *mask = yaml_find(subnet, "netmask");
	const struct yaml *gateway = yaml_find(subnet, "gateway");
	size_t first = all->n;

	if (!address || address->kind != YAML_SCALAR)
		return yaml_error(address ? address : subnet, err,
				  "a static subnet has an address, e.g. 192.0.2.10/24");
	unsigned bits = strchr(address->value, ':') ? 64 : 24;
	if (mask && (mask->kind != YAML_SCALAR || !parse_mask(mask->value, &bits)))
		return yaml_error(mask, err, "a netmask is e.g. 255.255.255.0");
	CLEANUP(free_p)
	char *text = strchr(address->value, '/') ? xstrdup(address->value) : xasprintf("%s/%u", address->value, bits);
	if (add_address(all, address, text, err) < 0)
		return -1;
	return gateway ? check_gateway(all, first, gateway, false, err) : 0;
}

static int check_subnet(struct addresses *all, const struct yaml *subnet, struct error *err)
{
	static const char *const types[] = { "dhcp",
					     "dhcp4",
					     "dhcp6",
					     "static",
					     "static6",
					     "manual",
					     "ipv6_dhcpv6-stateful",
					     "ipv6_dhcpv6-stateless",
					     "ipv6_slaac",
					     NULL };
	const struct yaml *type = yaml_find(subnet, "type");

	if (subnet->kind != YAML_MAP || !is_one_of(type, types))
		return yaml_error(subnet, err, "a subnet has a type: static, dhcp, dhcp4, dhcp6, ..");
	return text_starts(type->value, "static") ? check_static(all, subnet, err) : 0;
}

static int check_item(struct addresses *all, const struct yaml *item, struct error *err)
{
	static const char *const named[] = { "physical", "bond", "bridge", "vlan", "infiniband", NULL };
	static const char *const others[] = { "nameserver", "route", "loopback", NULL };
	const struct yaml *type = yaml_find(item, "type"), *subnets = yaml_find(item, "subnets");
	bool is_card = is_one_of(type, named);

	if (item->kind != YAML_MAP || (!is_card && !is_one_of(type, others)))
		return yaml_error(
			item, err,
			"an item of 'config' has a type: physical, bond, bridge, vlan, infiniband, nameserver, "
			"route or loopback");
	if (is_card && !yaml_find(item, "name"))
		return yaml_error(item, err, "a %s has a name, e.g. name: \"e*\"", type->value);
	if (subnets && subnets->kind != YAML_LIST)
		return yaml_error(subnets, err, "'subnets' must be a list");
	for (size_t i = 0; subnets && i < subnets->children; i++)
		if (check_subnet(all, subnets->child[i], err) < 0)
			return -1;
	return 0;
}

static int check_version_1(const struct yaml *map, struct error *err)
{
	const struct yaml *config = yaml_find(map, "config");
	CLEANUP(addresses_done) struct addresses all = { 0 };

	if (is_word(config, "disabled"))
		return 0;
	if (!config || config->kind != YAML_LIST || !config->children)
		return yaml_error(config ? config : map, err, "version 1 has a list 'config'; " HINT);
	for (size_t i = 0; i < config->children; i++)
		if (check_item(&all, config->child[i], err) < 0)
			return -1;
	return 0;
}

/* ---- version 2 ---- */

static bool is_true(const struct yaml *node)
{
	static const char *const words[] = { "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL };

	return node && is_one_of(node, words);
}

static int check_routes(const struct addresses *all, size_t first, const struct yaml *card, struct error *err)
{
	static const char *const defaults[] = { "gateway4", "gateway6" };
	const struct yaml *routes = yaml_find(card, "routes");
	bool dhcp = is_true(yaml_find(card, "dhcp4"));

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		const struct yaml *gateway = yaml_find(card, defaults[i]);
		if (gateway && check_gateway(all, first, gateway, dhcp, err) < 0)
			return -1;
	}
	if (routes && routes->kind != YAML_LIST)
		return yaml_error(routes, err, "'routes' must be a list, e.g. [{to: default, via: 192.0.2.1}]");
	for (size_t i = 0; routes && i < routes->children; i++) {
		const struct yaml *via = yaml_find(routes->child[i], "via");
		if (via &&
		    check_gateway(all, first, via, dhcp || is_true(yaml_find(routes->child[i], "on-link")), err) < 0)
			return -1;
	}
	return 0;
}

static int check_card(struct addresses *all, const struct yaml *card, struct error *err)
{
	const struct yaml *addresses = yaml_find(card, "addresses");
	size_t first = all->n;

	if (card->kind != YAML_MAP)
		return yaml_error(card, err, "'%s' must be a map, e.g. {dhcp4: true}", card->key);
	if (addresses && addresses->kind != YAML_LIST)
		return yaml_error(addresses, err, "'addresses' must be a list, e.g. [192.0.2.10/24]");
	for (size_t i = 0; addresses && i < addresses->children; i++) {
		const struct yaml *address = addresses->child[i];
		if (address->kind != YAML_SCALAR)
			return yaml_error(address, err, "'addresses' has words, e.g. 192.0.2.10/24");
		if (add_address(all, address, address->value, err) < 0)
			return -1;
	}
	return check_routes(all, first, card, err);
}

static int check_version_2(const struct yaml *map, struct error *err)
{
	static const char *const sections[] = { "ethernets", "bonds", "bridges", "vlans", "wifis" };
	CLEANUP(addresses_done) struct addresses all = { 0 };
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct yaml *section = yaml_find(map, sections[i]);

		if (section && section->kind != YAML_MAP)
			return yaml_error(section, err, "'%s' must be a map of network cards", sections[i]);
		for (size_t k = 0; section && k < section->children; k++, found++)
			if (check_card(&all, section->child[k], err) < 0)
				return -1;
	}
	return found ? 0 : yaml_error(map, err, "version 2 has ethernets, bonds, bridges or vlans; " HINT);
}

int seed_network_file_check(const char *file, const struct text *text, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (yaml_parse(file, text->data ? text->data : "", text->len, &tree, err) < 0)
		return -1;
	const struct yaml *inner = yaml_find(tree, "network"), *map = inner ? inner : tree;
	const struct yaml *version = yaml_find(map, "version");

	if (map->kind != YAML_MAP || !version)
		return yaml_error(map, err, "%s; this is %s", HINT,
				  map->kind == YAML_MAP                      ? "a map without a version"
				  : map->kind == YAML_SCALAR && !*map->value ? "empty"
									     : "no map");
	if (is_word(version, "1"))
		return check_version_1(map, err);
	return is_word(version, "2") ? check_version_2(map, err)
				     : yaml_error(version, err, "'version' must be 1 or 2; " HINT);
}
