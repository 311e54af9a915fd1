/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a target lacks, as sentences, from answers of /access/permissions, /nodes and their storages: tests/golden/target_check/.
 * UPDATE_GOLDEN=1 writes them; read the difference. A check that fails itself is never taken for something missing.
 */
#include "builder/pve/target_check.h"
#include "tests/unit/pve_stub.h"
#include "tests/unit/refused.h"

#define FOLDER "tests/golden/target_check"
#define PERMISSIONS "GET /access/permissions"
#define NODES "[{\"node\":\"pve1\",\"status\":\"online\"},{\"node\":\"pve2\",\"status\":\"offline\"}]"

static struct target target = {
	.file = (char *)"pve.yaml",
	.url = (char *)"https://pve.example:8006",
	.token_id = (char *)"nodekiln@pve!ci",
	.pool = (char *)"k8s",
	.zone = (char *)"localnetwork",
	.bridge = (char *)"vmbr0",
};

static struct target_check check_new(void)
{
	pve_stub_reset();
	return (struct target_check){ .pve = &pve_stub.pve, .target = &target };
}

static bool missing_is_golden(const struct target_check *c, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.txt", name);
	CLEANUP(text_done) struct text got = { 0 };

	text_add(&got, "");
	for (size_t i = 0; i < c->missing.n; i++)
		text_addf(&got, "%s\n", c->missing.at[i]);
	return is_golden(file, got.data);
}

TEST(target_check_version_lacks)
{
	CHECK(!target_version_lacks("8.4.21", true) && !target_version_lacks("9.2.11", true));
	CHECK(target_version_lacks("8.3.5", true) && !target_version_lacks("8.3.5", false));
	CHECK(target_version_lacks("7.4-1", false) && target_version_lacks("", false));
	CHECK(target_version_lacks(NULL, false));
}

TEST(target_check_version_is_reported)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };

	pve_stub_once("GET /version", PVE_OK, "{\"version\":\"9.0.1\"}");
	pve_stub_once("GET /version", PVE_OK, "{\"version\":\"8.3.5\"}");
	pve_stub_once("GET /version", PVE_OK, "{\"version\":\"7.4-1\"}");
	pve_stub_once("GET /version", PVE_OK, "{}");
	pve_stub_add("GET /version", PVE_UNTRUSTED, "certificate");
	for (int i = 0; i < 4; i++)
		CHECK(target_check_version(&c, true, &err) == 0);
	CHECK(missing_is_golden(&c, "version"));
	CHECK(target_check_version(&c, true, &err) < 0 && c.missing.n == 3);
}

TEST(target_check_permitted)
{
	CLEANUP(json_free_p) struct json *held = NULL;
	const char *text = "{\"/storage/local\":{\"Datastore.Audit\":1,\"Datastore.Allocate\":0}}";
	struct error err;

	CHECK(json_parse("test", text, strlen(text), &held, &err) == 0);
	CHECK(target_permitted(held, "/storage/local", "Datastore.Audit"));
	CHECK(target_permitted(held, "/storage/local", "Datastore.Allocate"));
	CHECK(!target_permitted(held, "/storage/local", "Datastore.AllocateSpace"));
	CHECK(!target_permitted(held, "/storage/other", "Datastore.Audit"));
	CHECK(!target_permitted(NULL, "/storage/local", "Datastore.Audit"));
}

TEST(target_check_rights_from_permissions)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };
	const struct role *guests = role_of_place(ROLE_GUESTS);

	pve_stub_add(PERMISSIONS, PVE_OK, "{\"/pool/k8s\":{\"VM.Audit\":1,\"VM.Clone\":0}}");
	CHECK(target_check_rights(&c, "/pool/k8s", "VM.Audit VM.Clone", guests, &err) == 0 && !c.missing.n);
	CHECK(target_check_rights(&c, "/pool/k8s", "VM.Audit VM.Allocate VM.Config.CPU", guests, &err) == 0);
	/* each privilege is reported once */
	CHECK(target_check_rights(&c, "/pool/k8s", "VM.Allocate VM.PowerMgmt", guests, &err) == 0);
	CHECK(target_check_rights(&c, "/pool/k8s", "VM.Allocate", guests, &err) == 0);
	CHECK(target_check_storage_rights(&c, "local", role_of_place(ROLE_UPLOADS), &err) == 0);
	CHECK(missing_is_golden(&c, "rights"));
}

TEST(target_check_rights_unreadable)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };
	bool may = false;

	pve_stub_add(PERMISSIONS, PVE_UNAUTHORIZED, "401");
	CHECK(target_check_rights(&c, "/pool/k8s", "VM.Audit", role_of_place(ROLE_GUESTS), &err) < 0);
	CHECK_STR(err.private.text, "401");
	err = (struct error){ 0 };
	CHECK(target_check_discard(&c, "local", &may, &err) < 0 && !may);
	CHECK_STR(err.private.text, "401");
	CHECK(!c.missing.n);
}

TEST(target_check_discard_needs_allocate)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };
	bool may = false;

	pve_stub_once(PERMISSIONS, PVE_OK, "{\"/storage/local\":{\"Datastore.Allocate\":1}}");
	pve_stub_once(PERMISSIONS, PVE_OK, "{\"/storage/local\":{\"Datastore.AllocateSpace\":1}}");
	CHECK(target_check_discard(&c, "local", &may, &err) == 0 && may);
	CHECK(target_check_discard(&c, "local", &may, &err) == 0 && !may && !c.missing.n);
}

TEST(target_check_node_must_be_online)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	CLEANUP(json_free_p) struct json *one = NULL;
	struct json *none = NULL;
	struct error err = { 0 };

	pve_stub_add("GET /nodes", PVE_OK, NODES);
	pve_stub_add("GET /nodes/pve1/storage", PVE_OK, "[{\"storage\":\"local\"}]");
	CHECK(target_check_node(&c, "pve1", &one, &err) == 0 && json_count(one) == 1 && !c.missing.n);
	CHECK(target_check_node(&c, "pve2", &none, &err) == 0 && !none);
	CHECK(target_check_node(&c, "pve7", &none, &err) == 0 && !none);
	pve_stub_add("GET /nodes", PVE_OK, "[]");
	CHECK(target_check_node(&c, "pve7", &none, &err) == 0 && !none);
	CHECK(missing_is_golden(&c, "nodes"));
	pve_stub_add("GET /nodes", PVE_ERROR, "boom");
	CHECK(target_check_node(&c, "pve1", &none, &err) < 0 && c.missing.n == 3);
}

TEST(target_check_storage_must_accept_content)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	CLEANUP(json_free_p) struct json *list = NULL;
	const char *text = "[{\"storage\":\"local\",\"enabled\":1,\"active\":\"1\",\"content\":\"iso,vztmpl\"},"
			   "{\"storage\":\"bare\",\"enabled\":1,\"active\":1},"
			   "{\"storage\":\"off\",\"enabled\":0,\"active\":0,\"content\":\"iso\"},"
			   "{\"storage\":\"down\",\"enabled\":1,\"active\":0,\"content\":\"iso\"}]";
	struct error err;

	CHECK(json_parse("test", text, strlen(text), &list, &err) == 0);
	CHECK(target_check_storage(&c, "pve1", list, "local", "vztmpl") == json_at(list, 0) && !c.missing.n);
	CHECK(target_check_storage(&c, "pve1", list, "local", "tmpl") == json_at(list, 0));
	CHECK(target_check_storage(&c, "pve1", list, "bare", "iso") == json_at(list, 1));
	CHECK(!target_check_storage(&c, "pve1", list, "off", "iso"));
	CHECK(!target_check_storage(&c, "pve1", list, "down", "iso"));
	CHECK(!target_check_storage(&c, "pve1", list, "nope", "iso"));
	CHECK(missing_is_golden(&c, "storages"));
}

/* One storage for several things: one command, which is not undone by the next; and what its type cannot have. */
TEST(target_check_storage_says_it_once)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	CLEANUP(json_free_p) struct json *list = NULL;
	const char *text =
		"[{\"storage\":\"nas\",\"type\":\"nfs\",\"enabled\":1,\"active\":1,\"content\":\"images\"},"
		"{\"storage\":\"thin\",\"type\":\"lvmthin\",\"enabled\":1,\"active\":1,\"content\":\"images\"},"
		"{\"storage\":\"backup\",\"type\":\"pbs\",\"enabled\":1,\"active\":1,\"content\":\"backup\"},"
		"{\"storage\":\"down\",\"type\":\"nfs\",\"enabled\":1,\"active\":0,\"content\":\"images\"}]";
	static const char *const wanted[][2] = {
		{ "nas", "import" },   { "nas", "vztmpl" },    { "nas", "images" },    { "thin", "import" },
		{ "thin", "rootdir" }, { "backup", "iso" },    { "backup", "images" }, { "down", "import" },
		{ "down", "vztmpl" },  { "hidden", "import" }, { "hidden", "vztmpl" },
	};
	struct error err;

	pve_stub_add(PERMISSIONS, PVE_OK, "{}");
	CHECK(json_parse("test", text, strlen(text), &list, &err) == 0);
	CHECK(target_check_storage_rights(&c, "hidden", role_of_place(ROLE_UPLOADS), &err) == 0);
	/* on two nodes */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(wanted); i++)
		(void)!target_check_storage(&c, "pve1", list, wanted[i / 2][0], wanted[i / 2][1]);
	CHECK(missing_is_golden(&c, "storages_once"));
}

TEST(target_check_bridge_of_a_node)
{
	static const char network[] =
		"[{\"iface\":\"vmbr0\",\"type\":\"bridge\"},{\"iface\":\"vnet1\",\"type\":\"vnet\"}]";
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };

	pve_stub_add("GET /nodes/pve?/network", PVE_OK, network);
	target.bridge = (char *)"vnet1";
	CHECK(target_check_bridge(&c, "pve1", &err) == 0 && !c.missing.n);
	target.bridge = (char *)"vmbr7";
	CHECK(target_check_bridge(&c, "pve1", &err) == 0 && target_check_bridge(&c, "pve2", &err) == 0);
	pve_stub_add("GET /nodes/pve?/network", PVE_OK, "[]");
	CHECK(target_check_bridge(&c, "pve3", &err) == 0);
	CHECK(missing_is_golden(&c, "bridge"));
	/* what cannot be asked is not missing; what fails is an error */
	pve_stub_add("GET /nodes/pve?/network", PVE_REFUSED, "501");
	CHECK(target_check_bridge(&c, "pve4", &err) == 0);
	pve_stub_add("GET /nodes/pve?/network", PVE_ERROR, "boom");
	CHECK(target_check_bridge(&c, "pve4", &err) < 0 && c.missing.n == 3);
	/* the right to use it is missing: that was said */
	pve_stub_add(PERMISSIONS, PVE_OK, "{}");
	pve_stub_add("GET /nodes/pve?/network", PVE_OK, "[]");
	CHECK(target_check_rights(&c, "/sdn/zones/localnetwork/vmbr7", "SDN.Use", role_of_place(ROLE_BRIDGE), &err) ==
	      0);
	CHECK(c.missing.n == 4 && target_check_bridge(&c, "pve5", &err) == 0 && c.missing.n == 4);
}

TEST(target_check_report_is_an_error)
{
	CLEANUP(target_check_done) struct target_check c = check_new();
	struct error err = { 0 };

	CHECK(target_check_report(&c, "the image", &err) == 0);
	target_check_miss(&c, "storage %s is full", "local");
	c.space = 1;
	CHECK(target_check_report(&c, "the image", &err) < 0 && err.class == ERROR_SPACE);
	CHECK_STR(err.text, "storage local is full");
	target_check_miss(&c, "something else");
	CHECK(target_check_report(&c, "the image", &err) < 0 && err.class == ERROR_TARGET);
	CHECK_STR(err.text,
		  "the target cannot take the image; everything that is missing is listed above; first: storage "
		  "local is full");
}
