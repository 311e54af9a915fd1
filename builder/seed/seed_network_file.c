/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network_file.h"

#include <string.h>

#include "lib/macro.h"
#include "lib/subnet.h"
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

/* ADDRESS or ADDRESS/LENGTH; version 1 allows the netmask in a key of its own. */
static bool is_address(const struct yaml *node)
{
	CLEANUP(free_p) char *text = NULL;
	struct subnet address;

	if (node->kind != YAML_SCALAR)
		return false;
	text = xstrndup(node->value, strcspn(node->value, "/"));
	return subnet_parse_address(text, &address) && (!node->value[strlen(text)] || node->value[strlen(text) + 1]);
}

/* ---- version 1 ---- */

static int check_subnet(const struct yaml *subnet, struct error *err)
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
	const struct yaml *type = yaml_find(subnet, "type"), *address = yaml_find(subnet, "address");

	if (subnet->kind != YAML_MAP || !is_one_of(type, types))
		return yaml_error(subnet, err, "a subnet has a type: static, dhcp, dhcp4, dhcp6, ..");
	if (text_starts(type->value, "static") && (!address || !is_address(address)))
		return yaml_error(address ? address : subnet, err,
				  "a static subnet has an address, e.g. 192.0.2.10/24");
	return 0;
}

static int check_item(const struct yaml *item, struct error *err)
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
		if (check_subnet(subnets->child[i], err) < 0)
			return -1;
	return 0;
}

static int check_version_1(const struct yaml *map, struct error *err)
{
	const struct yaml *config = yaml_find(map, "config");

	if (is_word(config, "disabled"))
		return 0;
	if (!config || config->kind != YAML_LIST || !config->children)
		return yaml_error(config ? config : map, err, "version 1 has a list 'config'; " HINT);
	for (size_t i = 0; i < config->children; i++)
		if (check_item(config->child[i], err) < 0)
			return -1;
	return 0;
}

/* ---- version 2 ---- */

static int check_card(const struct yaml *card, struct error *err)
{
	const struct yaml *addresses = yaml_find(card, "addresses");

	if (card->kind != YAML_MAP)
		return yaml_error(card, err, "'%s' must be a map, e.g. {dhcp4: true}", card->key);
	if (addresses && addresses->kind != YAML_LIST)
		return yaml_error(addresses, err, "'addresses' must be a list, e.g. [192.0.2.10/24]");
	for (size_t i = 0; addresses && i < addresses->children; i++)
		if (!is_address(addresses->child[i]) || !strchr(addresses->child[i]->value, '/'))
			return yaml_error(addresses->child[i], err,
					  "'addresses' has addresses with their prefix length, e.g. 192.0.2.10/24");
	return 0;
}

static int check_version_2(const struct yaml *map, struct error *err)
{
	static const char *const sections[] = { "ethernets", "bonds", "bridges", "vlans", "wifis" };
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct yaml *section = yaml_find(map, sections[i]);

		if (section && section->kind != YAML_MAP)
			return yaml_error(section, err, "'%s' must be a map of network cards", sections[i]);
		for (size_t k = 0; section && k < section->children; k++, found++)
			if (check_card(section->child[k], err) < 0)
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
