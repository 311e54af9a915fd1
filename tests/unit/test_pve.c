/* SPDX-License-Identifier: Apache-2.0 */
/* The classification of answers, which are those of real API daemons, 8.4 and 9.2, and requests to a stub. */
#include "tests/unit/check.h"

#include "lib/pve.h"
#include "tests/unit/pve_server.h"

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
	{ 500, "x", BODY("short read on command socket (16 != 0)\\n"), PVE_BUSY,
	  "short read on command socket (16 != 0)" },
	{ 500, "x", BODY("unable to fork worker - Resource temporarily unavailable"), PVE_BUSY,
	  "unable to fork worker - Resource temporarily unavailable" },
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

TEST(pve_classify_table)
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

TEST(pve_classify_cuts_a_long_message)
{
	CLEANUP(free_p) char *body = xasprintf("%0*d", 5000, 7), *message = NULL;

	CHECK(pve_classify(500, "x", body, strlen(body), &message) == PVE_ERROR);
	CHECK(strlen(message) < 1000);
}

TEST(pve_form_encodes)
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

TEST(pve_path_encodes)
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

TEST(pve_get_int_accepts_types)
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

TEST(pve_open_checks_the_url)
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

TEST(pve_call_unreachable)
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

TEST(pve_open_checks_fingerprints)
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

TEST(pve_call_sends_and_reads)
{
	static const struct stub_route routes[] = {
		{ "GET /nodes/n%201", "200 OK", "{\"data\":[1,2]}" },
		{ "PUT /x", "200 OK", "{\"data\":null}" },
		{ "POST /empty", "200 OK", "{\"data\":\"UPID:\"}" },
		{ "DELETE /x", "200 OK", "{\"data\":null}" },
		{ NULL, NULL, NULL },
	};
	static const struct pve_param params[] = { { "a", "1;2" }, { "b", "x y" }, { NULL, NULL } };
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(json_free_p) struct json *data = NULL, *upid = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s", "n 1");
	struct error err = { 0 };

	CHECK(pve_call(pve, "GET", path, params, &data, &err) == 0 && json_count(data) == 2);
	CHECK(strstr(stub.seen->text, "GET /api2/json/nodes/n%201?a=1%3B2&b=x%20y HTTP/1.1\r\n"));
	CHECK(strstr(stub.seen->text, "\r\nAuthorization: PVEAPIToken=a@pve!t=SECRET\r\n"));
	CHECK(pve_call(pve, "PUT", "/x", params, NULL, &err) == 0 && pve_failure(pve) == PVE_OK);
	CHECK(strstr(stub.seen->text, "\r\n\r\na=1%3B2&b=x%20y"));
	CHECK(pve_call(pve, "POST", "/empty", NULL, &upid, &err) == 0);
	CHECK_STR(json_as_string(upid), "UPID:");
	CHECK(strstr(strstr(stub.seen->text, "POST "), "\r\nContent-Length: 0\r\n"));
	CHECK(pve_call(pve, "DELETE", "/x", params, NULL, &err) == 0);
	CHECK(strstr(stub.seen->text, "DELETE /api2/json/x?a=1%3B2&b=x%20y HTTP/1.1\r\n"));
}

static const struct stub_route failing[] = {
	{ "GET /401", "401 No ticket", "" },
	{ "GET /403", "403 Permission check failed", "{\"data\":null}" },
	{ "GET /500", "500 x", BODY("VM is locked (backup)") },
	{ "GET /proxy", "502 Bad Gateway", "<html>token=abc</html>" },
	{ "GET /595", "595 Connection refused", "" },
	{ "GET /html", "200 OK", "<html>" },
	{ "GET /list", "200 OK", "[]" },
	{ "GET /closed", NULL, NULL },
	{ NULL, NULL, NULL },
};

TEST(pve_call_reports_failures)
{
	static const struct {
		const char *path;
		enum pve_failure failure;
		enum error_class class;
		const char *text, *private;
	} cases[] = {
		{ "/401", PVE_UNAUTHORIZED, ERROR_TARGET,
		  "GET /401: Proxmox VE answers 401; the token is wrong, has expired or was deleted: create a new one "
		  "(a@pve!t)",
		  "No ticket" },
		{ "/403", PVE_FORBIDDEN, ERROR_TARGET,
		  "GET /403: Proxmox VE answers 403; give the token the privilege that it names (and its user, unless "
		  "the token has none of its own) (a@pve!t)",
		  "Permission check failed" },
		{ "/500", PVE_BUSY, ERROR_TARGET, "GET /500: Proxmox VE answers 500", "VM is locked (backup)" },
		{ "/proxy", PVE_UNREACHABLE, ERROR_NETWORK, "GET /proxy: Proxmox VE answers 502",
		  "<html>token=abc</html>" },
		{ "/595", PVE_UNREACHABLE, ERROR_NETWORK, "GET /595: Proxmox VE answers 595", "Connection refused" },
		{ "/html", PVE_ERROR, ERROR_FAILED, "GET /html: the answer is not JSON; is this a Proxmox VE API?",
		  "" },
		{ "/list", PVE_ERROR, ERROR_FAILED, "GET /list: the answer is not JSON; is this a Proxmox VE API?",
		  "" },
		{ "/closed", PVE_UNREACHABLE, ERROR_NETWORK, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, failing);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(json_free_p) struct json *data = NULL;
		struct error err = { 0 };
		CHECK(pve_call(pve, "GET", cases[i].path, NULL, &data, &err) == -1 && !data);
		CHECK(pve_failure(pve) == cases[i].failure && err.class == cases[i].class);
		if (cases[i].text)
			CHECK_STR(err.text, cases[i].text);
		if (cases[i].private)
			CHECK_STR(err.private.text, cases[i].private);
		CHECK(!strstr(err.text, "SECRET"));
	}
}
