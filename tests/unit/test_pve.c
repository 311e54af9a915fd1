/* SPDX-License-Identifier: Apache-2.0 */
/* What PVE's answers mean. They are those of real API daemons, 8.4 and 9.2. Requests: tests/e2e/registration.py. */
#include "tests/unit/check.h"

#include "lib/pve_guest.h"

#define BODY(message) "{\"data\":null,\"message\":\"" message "\\n\"}"

static const struct {
	long status;
	const char *reason, *body;
	enum pve_failure failure;
	const char *message;
} answers[] = {
	{ 200, "OK", "{\"data\":null}", PVE_OK, NULL },
	{ 401, "Authentication failed!", "", PVE_UNAUTHORIZED, "Authentication failed!" },
	{ 401, "No ticket", "", PVE_UNAUTHORIZED, "No ticket" },
	{ 403, "Permission check failed (/vms/102, VM.Audit)", BODY("Permission check failed (/vms/102, VM.Audit)"),
	  PVE_FORBIDDEN, "Permission check failed (/vms/102, VM.Audit)" },
	{ 403, "Permission check failed (/vms/102, VM.Audit)", "{\"data\":null}", PVE_FORBIDDEN,
	  "Permission check failed (/vms/102, VM.Audit)" }, /* before 8.4 */
	{ 400, "Parameter verification failed.",
	  "{\"errors\":{\"tags\":\"invalid format - invalid characters in tag\\n\"},\"data\":null,"
	  "\"message\":\"Parameter verification failed.\\n\"}",
	  PVE_REFUSED, "Parameter verification failed. tags: invalid format - invalid characters in tag" },
	{ 400, "Parameter verification failed.", "{\"errors\":{\"upid\":\"no such task\"},\"data\":null}", PVE_MISSING,
	  "Parameter verification failed. upid: no such task" },
	{ 400, "Bad Request", "", PVE_REFUSED, "Bad Request" },
	{ 500, "checksum mismatch (file change by other user?)", BODY("checksum mismatch (file change by other user?)"),
	  PVE_CONFLICT, "checksum mismatch (file change by other user?)" },
	{ 500, "detected modified configuration - file changed by other user? Try again.", "{\"data\":null}",
	  PVE_CONFLICT, "detected modified configuration - file changed by other user? Try again." },
	{ 500, "x", BODY("can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"), PVE_BUSY,
	  "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout" },
	{ 500, "x", BODY("cfs-lock 'file-user_cfg' error: got lock request timeout"), PVE_BUSY,
	  "cfs-lock 'file-user_cfg' error: got lock request timeout" },
	{ 500, "x", BODY("cluster not ready - no quorum?"), PVE_BUSY, "cluster not ready - no quorum?" },
	{ 500, "x", BODY("VM is locked (backup)"), PVE_BUSY, "VM is locked (backup)" },
	{ 500, "x", BODY("CT is locked (snapshot)"), PVE_BUSY, "CT is locked (snapshot)" },
	{ 500, "x", BODY("Configuration file 'nodes/pve/qemu-server/4242.conf' does not exist"), PVE_MISSING,
	  "Configuration file 'nodes/pve/qemu-server/4242.conf' does not exist" },
	{ 500, "x", BODY("hostname lookup 'nope' failed - failed to get address info"), PVE_MISSING,
	  "hostname lookup 'nope' failed - failed to get address info" },
	{ 500, "x", BODY("storage 'nope' does not exist"), PVE_MISSING, "storage 'nope' does not exist" },
	{ 500, "only root can set 'args' config", BODY("only root can set 'args' config"), PVE_ERROR,
	  "only root can set 'args' config" },
	{ 500, "'\"' expected, at character offset 1", "'\"' expected, at character offset 1\n  at line 917.\n",
	  PVE_ERROR, "'\"' expected, at character offset 1 at line 917." },
	{ 501, "Method 'GET /nope' not implemented", BODY("Method 'GET /nope' not implemented"), PVE_REFUSED,
	  "Method 'GET /nope' not implemented" },
	{ 501, "for data too large", "for data too large", PVE_REFUSED, "for data too large" },
	{ 506, "upload 'Content-Type 'text/plain' not implemented", "", PVE_REFUSED,
	  "upload 'Content-Type 'text/plain' not implemented" },
	{ 301, "Moved Permanently", "Moved Permanently", PVE_REFUSED, "Moved Permanently" },
	{ 503, "Service Unavailable", "<html>No server is available</html>", PVE_UNREACHABLE,
	  "<html>No server is available</html>" },
	{ 595, "Connection refused", "", PVE_UNREACHABLE, "Connection refused" },
	{ 596, "Connection timed out", "", PVE_UNREACHABLE, "Connection timed out" },
	{ 599, NULL, "", PVE_UNREACHABLE, "" },
	{ 0, NULL, "", PVE_ERROR, "" },
	{ 700, NULL, "\x1b[2Jboo\x80", PVE_ERROR, "?[2Jboo\x80" },
};

TEST(answers_by_the_table)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(free_p) char *message = NULL;
		enum pve_failure failure = pve_classify(answers[i].status, answers[i].reason, answers[i].body,
							strlen(answers[i].body), &message);
		printf("# %zu: %d %s\n", i, failure, message ? message : "(null)");
		CHECK(failure == answers[i].failure);
		CHECK(text_same(message, answers[i].message));
	}
}

TEST(a_long_message_is_cut)
{
	CLEANUP(free_p) char *body = xasprintf("%0*d", 5000, 7), *message = NULL;

	CHECK(pve_classify(500, "x", body, strlen(body), &message) == PVE_ERROR);
	CHECK(strlen(message) < 1000);
}

TEST(forms_survive_pves_decoder)
{
	static const struct pve_param params[] = { { "tags", "a;b" },
						   { "net0", "virtio,bridge=vmbr0" },
						   { "description", "50% & more\n~é" },
						   { NULL, NULL } };
	CLEANUP(text_done) struct text form = { 0 };

	pve_form(params, &form);
	CHECK_STR(form.data, "tags=a%3Bb&net0=virtio%2Cbridge%3Dvmbr0&description=50%25%20%26%20more%0A~%C3%A9");
	CLEANUP(text_done) struct text none = { 0 };
	pve_form(NULL, &none);
	CHECK(none.len == 0);
}

TEST(path_parts_are_encoded)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu/%ld/x", "a/../b?", 101L);
	CLEANUP(free_p) char *plain = pve_path("/version");

	CHECK_STR(path, "/nodes/a%2F..%2Fb%3F/qemu/101/x");
	CHECK_STR(plain, "/version");
}

static struct json *parse(const char *text)
{
	struct json *json = NULL;
	struct error err = { 0 };

	if (json_parse("test", text, strlen(text), &json, &err) < 0)
		abort();
	return json;
}

TEST(numbers_vary_in_type)
{
	CLEANUP(json_free_p)
	struct json *json = parse(
		"{\"a\":8,\"b\":\"2048\",\"c\":true,\"d\":\"1x\",\"e\":\"\",\"f\":null,\"g\":\"9999999999999999999\"}");
	int64_t n = -1;

	CHECK(pve_get_int(json, "a", &n) && n == 8);
	CHECK(pve_get_int(json, "b", &n) && n == 2048);
	CHECK(pve_get_int(json, "c", &n) && n == 1);
	for (const char *key = "defgh"; *key; key++)
		CHECK(!pve_get_int(json, (char[]){ *key, 0 }, &n));
}

TEST(guests_come_sorted_and_others_are_left_out)
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

TEST(a_machine_knows_its_config)
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

TEST(addresses_are_judged_before_they_are_asked)
{
	static const struct {
		const char *url;
		int rc;
	} cases[] = { { "https://pve.example", 0 },       { "https://10.0.0.1:8006", 0 },
		      { "https://[fd00::1]", 0 },         { "http://pve.example", -1 },
		      { "https://pve.example/api2", -1 }, { "https://u:p@pve.example", -1 },
		      { "https://pve.example:99999", -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pve *pve = NULL;
		struct error err = { 0 };
		int rc = pve_open(
			&(struct pve_access){ .url = cases[i].url, .token_id = "a@pve!t", .token_secret = "s" }, &pve,
			&err);
		CHECK(rc == cases[i].rc);
		pve_close(pve);
	}
}

TEST(nobody_there)
{
	struct pve *pve = NULL;
	struct error err = { 0 };

	CHECK(pve_open(&(struct pve_access){ .url = "https://127.0.0.1:1",
					     .token_id = "a@pve!t",
					     .token_secret = "SECRET" },
		       &pve, &err) == 0);
	int rc = pve_call(pve, "GET", "/version", NULL, NULL, &err);
	enum pve_failure failure = pve_failure(pve);
	pve_close(pve);
	CHECK(rc == -1 && failure == PVE_UNREACHABLE && err.class == ERROR_NETWORK && !strstr(err.text, "SECRET"));
}

TEST(a_fingerprint_has_its_form)
{
	CLEANUP(strings_done) struct strings fingerprints = { 0 };
	struct pve *pve = NULL;
	struct error err = { 0 };

	strings_add(&fingerprints, "AA:BB");
	CHECK(pve_open(&(struct pve_access){ .url = "https://127.0.0.1:1",
					     .token_id = "a@pve!t",
					     .token_secret = "s",
					     .fingerprints = &fingerprints },
		       &pve, &err) == -1);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "AA:BB"));
}
