/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_network_file.h"
#include "tests/unit/check.h"

static const char *check(const char *config)
{
	static char said[ERROR_TEXT_MAX];
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	text_add(&text, config);
	snprintf(said, sizeof said, "%s", seed_network_file_check("net.yaml", &text, &err) < 0 ? err.text : "");
	return *said && err.class != ERROR_INPUT ? "not ERROR_INPUT" : said;
}

TEST(seed_network_file_takes_both_versions)
{
	static const char *const good[] = {
		"version: 1\nconfig:\n- {type: physical, name: 'e*', subnets: [{type: static, address: "
		"192.0.2.10/24}]}\n",
		"version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: 'aa:bb:cc:00:11:22', subnets: "
		"[{type: dhcp}]}\n"
		"- {type: nameserver, address: [192.0.2.53]}\n",
		"version: 1\nconfig: disabled\n",
		"network:\n  version: 1\n  config: [{type: bond, name: b, bond_interfaces: [a, c]}]\n",
		"version: 2\nethernets:\n  all: {match: {name: 'e*'}, dhcp4: true}\n",
		"network: {version: 2, ethernets: {e: {addresses: [203.0.113.7/32, 'fd00::1/64'], routes: [{to: "
		"0.0.0.0/0, via: "
		"10.0.2.2, on-link: true}]}}}\n",
		"version: 2\nvlans: {v5: {id: 5, link: e}}\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_STR(check(good[i]), "");
}

TEST(seed_network_file_refuses)
{
	static const struct {
		const char *config, *says;
	} bad[] = {
		{ "", "net.yaml:1: a network-config is a map" },
		{ "# nothing\n", "this is empty" },
		{ "auto eth0\niface eth0 inet dhcp\n", "this is no map" },
		{ "- a\n", "this is no map" },
		{ "version: 1\n\tconfig: []\n", "net.yaml:2: invalid YAML" },
		{ "ethernets: {e: {dhcp4: true}}\n", "a map without a version" },
		{ "version: 3\n", "net.yaml:1: 'version' must be 1 or 2" },
		{ "version: 1\nethernets: {e: {dhcp4: true}}\n", "version 1 has a list 'config'" },
		{ "version: 1\nconfig: []\n", "net.yaml:2: version 1 has a list 'config'" },
		{ "version: 1\nconfig:\n- {type: ethernet, name: e}\n", "net.yaml:3: an item of 'config' has a type" },
		{ "version: 1\nconfig:\n- x\n", "net.yaml:3: an item of 'config' has a type" },
		{ "version: 1\nconfig:\n- {type: physical}\n", "a physical has a name" },
		{ "version: 1\nconfig:\n- {type: physical, name: e, subnets: [{type: fixed}]}\n",
		  "a subnet has a type" },
		{ "version: 1\nconfig:\n- {type: physical, name: e, subnets: [{type: static}]}\n", "has an address" },
		{ "version: 1\nconfig:\n- {type: physical, name: e, subnets: [{type: static, address: 192.0.2/24}]}\n",
		  "has an address" },
		{ "version: 1\nconfig:\n- {type: physical, name: e, subnets: {type: dhcp}}\n",
		  "'subnets' must be a list" },
		{ "version: 2\nconfig: []\n", "version 2 has ethernets" },
		{ "version: 2\nethernets: [e]\n", "'ethernets' must be a map" },
		{ "version: 2\nethernets:\n  e: true\n", "net.yaml:3: 'e' must be a map" },
		{ "version: 2\nethernets: {e: {addresses: 192.0.2.1/24}}\n", "'addresses' must be a list" },
		{ "version: 2\nethernets: {e: {addresses: [192.0.2.1]}}\n", "with their prefix length" },
		{ "version: 2\nethernets: {e: {addresses: [192.0.2.1/]}}\n", "with their prefix length" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!strstr(check(bad[i].config), bad[i].says))
			CHECK_STR(check(bad[i].config), bad[i].says);
}
