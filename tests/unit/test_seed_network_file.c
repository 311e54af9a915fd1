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
		  "the address 192.0.2/24: it must be ADDRESS/PREFIX" },
		{ "version: 1\nconfig:\n- {type: physical, name: e, subnets: {type: dhcp}}\n",
		  "'subnets' must be a list" },
		{ "version: 2\nconfig: []\n", "version 2 has ethernets" },
		{ "version: 2\nethernets: [e]\n", "'ethernets' must be a map" },
		{ "version: 2\nethernets:\n  e: true\n", "net.yaml:3: 'e' must be a map" },
		{ "version: 2\nethernets: {e: {addresses: 192.0.2.1/24}}\n", "'addresses' must be a list" },
		{ "version: 2\nethernets: {e: {addresses: [192.0.2.1]}}\n", "it must be ADDRESS/PREFIX" },
		{ "version: 2\nethernets: {e: {addresses: [192.0.2.1/]}}\n", "its prefix length must be 1 to 32" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!strstr(check(bad[i].config), bad[i].says))
			CHECK_STR(check(bad[i].config), bad[i].says);
}

/* What a node could not have or reach. */
TEST(seed_network_file_judges_addresses)
{
	static const struct {
		const char *card, *says;
	} cards[] = {
		{ "addresses: [192.0.2.7/24, 'fd00::7/64'], gateway4: 192.0.2.1, gateway6: 'fe80::1'", "" },
		{ "addresses: [192.0.2.7/24], gateway4: 198.51.100.1, dhcp4: true", "" },
		{ "addresses: [192.0.2.7/24], routes: [{to: default, via: 198.51.100.1, on-link: true}]", "" },
		{ "dhcp4: true, routes: [{to: 10.0.0.0/8, via: 198.51.100.1}]", "" },
		{ "addresses: ['fd00::7/64'], gateway6: 'fd01::1'", "" },
		{ "addresses: [192.0.2.0/24]",
		  "net.yaml:2: the address 192.0.2.0/24: it is the address of the network" },
		{ "addresses: [192.0.2.255/24]", "it is the broadcast address" },
		{ "addresses: [127.0.0.1/8]", "it is a loopback address" },
		{ "addresses: [192.0.2.7/240]", "its prefix length must be 1 to 32" },
		{ "addresses: [192.0.2.7/24, 192.0.2.7/32]", "the address 192.0.2.7/32 is there twice" },
		{ "addresses: [{192.0.2.7/24: {label: a}}]", "'addresses' has words" },
		{ "addresses: [192.0.2.7/24], gateway4: 198.51.100.1",
		  "the gateway 198.51.100.1 is outside of the networks" },
		{ "addresses: [192.0.2.7/24], gateway4: 192.0.2.7", "the gateway 192.0.2.7 is the node's own address" },
		{ "addresses: [192.0.2.7/24], routes: [{to: default, via: 198.51.100.1}]",
		  "add on-link: true to its route" },
		{ "addresses: [192.0.2.7/24], gateway4: gw", "a gateway is an IP address" },
		{ "addresses: [192.0.2.7/24], gateway4: 224.0.0.1",
		  "the gateway 224.0.0.1: it is a multicast address" },
		{ "routes: {to: default}", "'routes' must be a list" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		CLEANUP(free_p) char *config = xasprintf("version: 2\nethernets: {e: {%s}}\n", cards[i].card);
		if (!*cards[i].says || !strstr(check(config), cards[i].says))
			CHECK_STR(check(config), cards[i].says);
	}
	CHECK(strstr(check("version: 2\nethernets: {a: {addresses: [192.0.2.7/24]}, b: {addresses: [192.0.2.7/24]}}\n"),
		     "is there twice"));
}

TEST(seed_network_file_judges_static_subnets)
{
	static const struct {
		const char *subnet, *says;
	} subnets[] = {
		{ "address: 192.0.2.7, netmask: 255.255.255.0, gateway: 192.0.2.1", "" },
		{ "address: 192.0.2.7, netmask: 24", "" },
		{ "address: 192.0.2.7, gateway: 192.0.2.1", "" },
		{ "address: 192.0.2.7, netmask: 255.255.255.255, gateway: 192.0.2.1", "is outside of the networks" },
		{ "address: 192.0.2.7, netmask: 255.0.255.0", "a netmask is e.g. 255.255.255.0" },
		{ "address: 192.0.2.0, netmask: 255.255.255.0",
		  "the address 192.0.2.0/24: it is the address of the network" },
		{ "address: 192.0.2.7/24, gateway: 192.0.2.7", "is the node's own address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(subnets); i++) {
		CLEANUP(free_p)
		char *config =
			xasprintf("version: 1\nconfig: [{type: physical, name: e, subnets: [{type: static, %s}]}]\n",
				  subnets[i].subnet);
		if (!*subnets[i].says || !strstr(check(config), subnets[i].says))
			CHECK_STR(check(config), subnets[i].says);
	}
}
