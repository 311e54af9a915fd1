/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_cloud.h"
#include "builder/seed/seed_network.h"
#include "tests/unit/check.h"

/* The cloud-config, or the error. */
static void cloud_config(const char *extra, struct text *ret)
{
	struct text more = { .data = (char *)extra, .len = extra ? strlen(extra) : 0 };
	struct seed seed = { .hostname = "w1" };
	struct error err = { 0 };

	ret->len = 0;
	if (seed_cloud_config(&seed, "mine.yaml", extra ? &more : NULL, ret, &err) < 0) {
		ret->len = 0;
		text_add(ret, err.text);
	}
}

#define BEGIN "#cloud-config\nhostname: \"w1\"\nmanage_etc_hosts: true\nusers:\n  - default\n"

TEST(seed_cloud_has_no_file)
{
	CLEANUP(text_done) struct text got = { 0 };

	cloud_config(NULL, &got);
	CHECK_STR(got.data, BEGIN);
	cloud_config("#cloud-config\n# nothing\n", &got);
	CHECK_STR(got.data, BEGIN);
}

TEST(seed_cloud_merges_user_data)
{
	CLEANUP(text_done) struct text got = { 0 };

	cloud_config("#cloud-config\ntimezone: UTC\nmanage_etc_hosts: false\nssh_authorized_keys: [ssh-rsa x]\n"
		     "write_files:\n- {path: /etc/x, content: y, permissions: '0640'}\n",
		     &got);
	CHECK_STR(got.data, "#cloud-config\nhostname: \"w1\"\nusers:\n  - default\n"
			    "timezone: UTC\nmanage_etc_hosts: false\nssh_authorized_keys:\n  - \"ssh-rsa x\"\n"
			    "write_files:\n  - path: \"/etc/x\"\n    content: y\n    permissions: \"0640\"\n");
}

TEST(seed_cloud_keeps_binary_content)
{
	CLEANUP(text_done) struct text got = { 0 };

	cloud_config("#cloud-config\nwrite_files:\n- path: /etc/x\n  content: !!binary |\n    aGVs\n    bG8=\n- {path: "
		     "/y, content: !!binary eA==}\n",
		     &got);
	CHECK_STR(got.data,
		  BEGIN "write_files:\n  - path: \"/etc/x\"\n    content: !!binary |\n      aGVs\n      bG8=\n"
			"  - path: \"/y\"\n    content: !!binary \"eA==\"\n");
}

TEST(seed_cloud_refuses_unmergeable_user_data)
{
	CLEANUP(text_done) struct text got = { 0 };

	cloud_config("#!/bin/sh\n", &got);
	CHECK_STR(got.data, "mine.yaml: user-data must be a cloud-config: its first line is #cloud-config");
	cloud_config("#cloud-config\n- x\n", &got);
	CHECK_STR(got.data, "mine.yaml:2: a cloud-config is a map");
	cloud_config("#cloud-config\nwrite_files: {path: x}\n", &got);
	CHECK_STR(got.data, "mine.yaml:2: 'write_files' must be a list");
	cloud_config("#cloud-config\nwrite_files:\n- content: x\n  path: /etc/nodekiln/node.yaml\n", &got);
	CHECK_STR(got.data, "mine.yaml:4: /etc/nodekiln/node.yaml would take the place of what this seed holds; put "
			    "these keys into the node's own "
			    "file");
	cloud_config("#cloud-config\na: &x 1\n", &got);
	CHECK_STR(got.data, "mine.yaml:2: anchors and aliases are not allowed; write the value out");
}

static const struct {
	const char *address, *gateway, *nameserver, *says;
} networks[] = {
	{ NULL, NULL, NULL, "" },
	{ "192.0.2.10/24", NULL, NULL,
	  "version: 1\nconfig:\n- type: physical\n  name: \"e*\"\n  subnets:\n  - type: static\n    address: "
	  "\"192.0.2.10/24\"\n" },
	{ "fd00::5/64", "fd00::1", "192.0.2.53",
	  "version: 1\nconfig:\n- type: physical\n  name: \"e*\"\n  subnets:\n  - type: static\n    address: "
	  "\"fd00::5/64\"\n"
	  "    gateway: \"fd00::1\"\n    dns_nameservers:\n    - \"192.0.2.53\"\n" },
	{ NULL, "192.0.2.1", NULL, "--gateway needs --address; without it the node uses DHCP" },
	{ NULL, NULL, "192.0.2.1", "--nameserver needs --address; without it the node uses DHCP" },
	{ "192.0.2.10", NULL, NULL, "--address 192.0.2.10: it must be ADDRESS/PREFIX, e.g. 192.0.2.10/24" },
	{ "192.0.2/24", NULL, NULL, "--address 192.0.2/24: it must be ADDRESS/PREFIX, e.g. 192.0.2.10/24" },
	{ "192.0.2.10/33", NULL, NULL, "--address 192.0.2.10/33: its prefix length must be 1 to 32" },
	{ "fd00::1/0", NULL, NULL, "--address fd00::1/0: its prefix length must be 1 to 128" },
	{ "192.0.2.10/24", "gw", NULL, "--gateway gw: it must be an IP address" },
	{ "192.0.2.10/24", "fd00::1", NULL, "--gateway fd00::1: it must be of the same family as --address" },
	{ "192.0.2.10/24", NULL, "dns.lab", "--nameserver dns.lab: it must be an IP address" },
	{ "192.0.2.10/24", NULL, "127.0.0.1", "--nameserver 127.0.0.1: it is a loopback address" },
	{ "127.0.0.2/8", NULL, NULL, "--address 127.0.0.2/8: it is a loopback address" },
	{ "::1/64", NULL, NULL, "--address ::1/64: it is the unspecified or the loopback address" },
	{ "0.0.0.0/24", NULL, NULL, "--address 0.0.0.0/24: it is no address of a host" },
	{ "224.0.0.1/24", NULL, NULL, "--address 224.0.0.1/24: it is a multicast address" },
	{ "255.255.255.255/24", NULL, NULL, "--address 255.255.255.255/24: it is a reserved address" },
	{ "ff02::1/64", NULL, NULL, "--address ff02::1/64: it is a multicast address" },
	{ "192.0.2.0/24", NULL, NULL, "--address 192.0.2.0/24: it is the address of the network itself" },
	{ "192.0.2.255/24", NULL, NULL, "--address 192.0.2.255/24: it is the broadcast address of its network" },
	{ "192.0.2.63/26", NULL, NULL, "--address 192.0.2.63/26: it is the broadcast address of its network" },
	{ "2001:db8::/64", NULL, NULL, "--address 2001:db8::/64: it is the address of the network itself" },
	{ "192.0.2.10/24", "192.0.2.10", NULL, "--gateway 192.0.2.10: it is the node's own address" },
	{ "192.0.2.10/24", "192.0.2.255", NULL, "--gateway 192.0.2.255: it is the broadcast address of its network" },
	{ "192.0.2.10/24", "127.0.0.1", NULL, "--gateway 127.0.0.1: it is a loopback address" },
	{ "203.0.113.7/32", "10.0.2.2", NULL,
	  "--gateway 10.0.2.2: it is outside of the network of --address 203.0.113.7/32, so the node could not reach "
	  "it; "
	  "correct one of them, or give a network-config with an on-link route (--network of `nodekiln seed`)" },
};

TEST(seed_network_config_one_card)
{
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
		CLEANUP(text_done) struct text got = { 0 };
		struct seed_network n = { .address = networks[i].address, .gateway = networks[i].gateway };
		struct error err = { 0 };

		text_add(&got, "");
		if (networks[i].nameserver)
			strings_add(&n.nameservers, networks[i].nameserver);
		int rc = seed_network_config(&n, &got, &err);
		strings_done(&n.nameservers);
		CHECK_STR(rc < 0 ? err.text : got.data, networks[i].says);
		CHECK(rc == 0 || err.class == ERROR_USAGE);
	}
}

/* In a network of two addresses both are hosts'; a link-local gateway is reached without a network. */
TEST(seed_network_config_narrow_networks)
{
	static const struct {
		const char *address, *gateway;
	} good[] = { { "192.0.2.0/31", "192.0.2.1" },  { "192.0.2.1/31", "192.0.2.0" },
		     { "192.0.2.9/32", NULL },         { "2001:db8::/127", "2001:db8::1" },
		     { "2001:db8::7/128", "fe80::1" }, { "2001:db8::ffff/112", "2001:db8::1" } };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(text_done) struct text got = { 0 };
		const struct seed_network n = { .address = good[i].address, .gateway = good[i].gateway };
		struct error err = { 0 };

		CHECK_STR(seed_network_config(&n, &got, &err) < 0 ? err.text : "", "");
	}
}

static const char *check_node(const char *address, const char *gateway, const char *nameserver, const char *config)
{
	static char said[ERROR_TEXT_MAX];
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct seed_network n = { .address = address, .gateway = gateway };
	struct error err = { 0 };
	struct yaml *tree = NULL;

	if (nameserver)
		strings_add(&n.nameservers, nameserver);
	int rc = node_config_parse("n.yaml", config, strlen(config), &tree, &err);
	if (rc == 0)
		rc = node_config_read(tree, &node, &err);
	if (rc == 0)
		rc = seed_network_check_node(&n, &node, &err);
	strings_done(&n.nameservers);
	snprintf(said, sizeof said, "%s", rc < 0 ? err.text : "");
	return said;
}

#define INIT "cluster: lab\nrole: init\n"

TEST(seed_network_and_its_node)
{
	CHECK_STR(check_node(NULL, NULL, NULL, INIT), "");
	CHECK_STR(check_node("192.0.2.10/24", "192.0.2.1", NULL, INIT "networking: {pod_subnet: 10.244.0.0/16}\n"), "");
	CHECK_STR(check_node("192.0.2.10/24", NULL, NULL, INIT "node: {ip: 192.0.2.10}\n"), "");
	CHECK_STR(check_node("192.0.2.10/24", "192.0.2.1", NULL, INIT "node: {ip: 'fd00::7'}\n"), "");
	CHECK(strstr(check_node("192.0.2.10/24", NULL, NULL, INIT), "192.0.2.10/24 has no gateway"));
	CHECK_STR(check_node("192.0.2.10/24", "192.0.2.1", NULL, INIT "node: {ip: 192.0.2.11}\n"),
		  "node.ip is 192.0.2.11, but the node's address is 192.0.2.10/24; correct one of them");
	CHECK(strstr(check_node("10.244.3.1/24", "10.244.3.9", NULL, INIT "networking: {pod_subnet: 10.244.0.0/16}\n"),
		     "the address 10.244.3.1/24 is inside networking.pod_subnet 10.244.0.0/16"));
	CHECK(strstr(
		check_node("fd01::5/64", "fd01::1", NULL, INIT "networking: {pod_subnet: '10.244.0.0/16,fd01::/48'}\n"),
		"is inside networking.pod_subnet fd01::/48"));
	CHECK(strstr(check_node("10.100.0.5/24", "10.100.0.1", NULL, INIT),
		     "the address 10.100.0.5/24 is inside networking.service_subnet 10.96.0.0/12"));
	CHECK(strstr(check_node("10.0.0.5/8", "10.97.0.1", NULL, INIT), "the gateway 10.97.0.1 is inside"));
	CHECK(strstr(check_node("192.0.2.10/24", "192.0.2.1", "10.96.0.10", INIT), "the name server 10.96.0.10 is"));
}
