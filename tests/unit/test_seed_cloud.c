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
