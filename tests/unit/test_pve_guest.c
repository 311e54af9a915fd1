/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and configurations of guests, from JSON and from a stub. */
#include "tests/unit/check.h"

#include "lib/pve_guest.h"
#include "tests/unit/pve_server.h"

static struct json *parse(const char *text)
{
	struct json *json = NULL;
	struct error err = { 0 };

	if (json_parse("test", text, strlen(text), &json, &err) < 0)
		abort();
	return json;
}

TEST(pve_guest_parse_sorts_and_skips_others)
{
	CLEANUP(json_free_p)
	struct json *json = parse(
		"[{\"type\":\"lxc\",\"vmid\":\"200\",\"node\":\"pve2\",\"status\":\"unknown\",\"tags\":\"a;b\"},"
		"{\"type\":\"qemu\",\"vmid\":101,\"node\":\"pve1\",\"name\":\"cp1\",\"template\":1,\"pool\":\"k8s\"},"
		"{\"type\":\"storage\",\"vmid\":7,\"node\":\"pve1\"},{\"type\":\"qemu\",\"node\":\"pve1\"},"
		"{\"type\":\"qemu\",\"vmid\":103},{\"type\":\"qemu\",\"vmid\":-1,\"node\":\"pve1\"},7,null]");
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	pve_parse_guests(json, &guests);
	CHECK(guests.n == 2);
	CHECK(guests.at[0].vmid == 101 && guests.at[0].kind == PVE_QEMU && guests.at[0].template);
	CHECK_STR(guests.at[0].pool, "k8s");
	CHECK(guests.at[1].vmid == 200 && guests.at[1].kind == PVE_LXC && !guests.at[1].template && !guests.at[1].name);
	CHECK_STR(guests.at[1].tags, "a;b");
}

TEST(pve_guest_config_matches)
{
	static const struct {
		const char *config, *uuid;
		int answer;
	} cases[] = {
		{ "{\"smbios1\":\"uuid=6F2A2F0E-3C41-4B0F-9D7E-0A1B2C3D4E5F,serial=eA==\"}",
		  "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f", 1 },
		{ "{\"smbios1\":\"base64=1,uuid=6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e50\"}",
		  "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f", -1 },
		{ "{\"smbios1\":\"uuid=1,x=y\",\"net0\":\"virtio=BC:24:11:00:00:01\"}", "6f2a2f0e", -1 },
		{ "{\"net0\":\"virtio=BC:24:11:00:00:01,bridge=vmbr0\"}", "6f2a2f0e", 1 },
		{ "{\"net31\":\"name=eth0,bridge=vmbr0,hwaddr=bc:24:11:00:00:01\"}", NULL, 1 },
		{ "{\"net0\":\"virtio=BC:24:11:00:00:02,bridge=vmbr0\"}", NULL, -1 },
		{ "{\"net0\":\"virtio=BC:24:11:00:00:011\"}", NULL, -1 },
		{ "{\"memory\":\"2048\"}", "6f2a2f0e", 0 },
		{ "[]", NULL, 0 },
	};
	CLEANUP(strings_done) struct strings macs = { 0 };

	strings_add_all(&macs, "bc:24:11:00:00:99", "bc:24:11:00:00:01", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(json_free_p) struct json *config = parse(cases[i].config);
		CHECK(pve_config_matches(config, cases[i].uuid, &macs) == cases[i].answer);
	}
}

TEST(pve_guest_list_reads_resources)
{
	static const struct stub_route routes[] = {
		{ "GET /cluster/resources", "200 OK", "{\"data\":[{\"type\":\"qemu\",\"vmid\":101,\"node\":\"n\"}]}" },
		{ "GET /cluster/resources", "595 No route", "" },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };
	struct error err = { 0 };

	CHECK(pve_list_guests(pve, &guests, &err) == 0 && guests.n == 1 && guests.at[0].vmid == 101);
	CHECK(strstr(stub.seen->text, "/cluster/resources?type=vm "));
	CHECK(pve_list_guests(pve, &guests, &err) == -1 && guests.n == 1);
}

TEST(pve_guest_update_compares_and_swaps)
{
	static const struct stub_route routes[] = {
		{ "GET /nodes/n/lxc/101/config", "200 OK", "{\"data\":{\"digest\":\"d1\"}}" },
		{ "PUT /nodes/n/lxc/101/config", "200 OK", "{\"data\":null}" },
		{ "PUT /nodes/n/lxc/101/config", "500 checksum mismatch (file change by other user?)", "" },
		{ NULL, NULL, NULL },
	};
	static const struct pve_param params[] = { { "tags", "a;b" }, { NULL, NULL } };
	const struct pve_guest guest = { .vmid = 101, .kind = PVE_LXC, .node = (char *)"n" };
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(json_free_p) struct json *config = NULL;
	struct error err = { 0 };

	CHECK(pve_guest_config(pve, &guest, &config, &err) == 0);
	const char *digest = json_get_string(config, "digest");
	CHECK_STR(digest, "d1");
	CHECK(pve_guest_update(pve, &guest, digest, params, &err) == 0);
	CHECK(strstr(stub.seen->text, "\r\n\r\ntags=a%3Bb&digest=d1"));
	CHECK(pve_guest_update(pve, &guest, NULL, params, &err) == -1 && pve_failure(pve) == PVE_CONFLICT);
}
