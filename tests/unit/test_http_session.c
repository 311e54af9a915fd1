/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and trust, against the stub of the Proxmox VE API. */
#include "tests/unit/check.h"

#include "lib/http_session.h"
#include "tests/unit/pve_server.h"

#define WRONG "AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11"

static void session_close_p(struct http_session **s)
{
	http_session_close(*s);
}

static const struct stub_route plain[] = {
	{ "GET /x", "200 Very  well", "body" },
	{ "PUT /x", "404 Not Found", "" },
	{ "GET /moved", "302 Found\r\nLocation: /api2/json/x", "" },
	{ NULL, NULL, NULL },
};

static int request(const struct stub *stub, const struct http_trust *trust, const char *method, const char *path,
		   struct http_response *ret, struct error *err)
{
	CLEANUP(session_close_p) struct http_session *s = NULL;
	CLEANUP(free_p) char *url = xasprintf("%s" STUB_PREFIX "%s", stub->url, path);

	if (http_session_open(trust, 10, &s, err) < 0)
		return -1;
	return http_session_request(s, &(struct http_request){ .method = method, .url = url }, ret, err);
}

TEST(http_session_returns_any_status)
{
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, plain);
	const struct http_trust trust = { .fingerprints = &stub.fingerprints };
	CLEANUP(http_response_done) struct http_response ok = { 0 }, missing = { 0 }, moved = { 0 };
	struct error err = { 0 };

	CHECK(request(&stub, &trust, "GET", "/x", &ok, &err) == 0 && ok.status == 200);
	CHECK_STR(ok.reason, "Very  well");
	CHECK_STR(ok.body.data, "body");
	CHECK(request(&stub, &trust, "PUT", "/x", &missing, &err) == 0 && missing.status == 404 && !missing.body.len);
	CHECK(request(&stub, &trust, "GET", "/moved", &moved, &err) == 0 && moved.status == 302); /* not followed */
	CHECK(!strstr(stub.seen->text, "Expect:"));
}

TEST(http_session_trust)
{
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, plain);
	CLEANUP(strings_done) struct strings wrong = { 0 };
	strings_add(&wrong, WRONG);
	const struct {
		struct http_trust trust;
		const char *host; /* NULL = 127.0.0.1, which the certificate names */
		bool trusted;
	} cases[] = {
		{ { .fingerprints = &stub.fingerprints }, NULL, true },
		{ { .fingerprints = &stub.fingerprints }, "localhost", true },
		{ { .ca = stub.ca }, NULL, true },
		{ { .ca = stub.ca }, "localhost", false },
		{ { .ca = stub.ca, .fingerprints = &wrong }, NULL, true },
		{ { .ca = stub.ca, .fingerprints = &wrong }, "localhost", false },
		{ { .fingerprints = &wrong }, NULL, false },
		{ { 0 }, NULL, false },
	};
	CLEANUP(free_p) char *url = xstrdup(stub.url);
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(http_response_done) struct http_response response = { 0 };
		free(stub.url);
		stub.url =
			xasprintf("https://%s:%s", cases[i].host ? cases[i].host : "127.0.0.1", strrchr(url, ':') + 1);
		int rc = request(&stub, &cases[i].trust, "GET", "/x", &response, &err);
		CHECK(rc == (cases[i].trusted ? 0 : -1));
		CHECK(rc == 0 || (err.class == ERROR_TRUST && strstr(err.text, "certificate is not trusted")));
	}
}

TEST(http_session_shows_the_fingerprint)
{
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, plain);
	CLEANUP(strings_done) struct strings wrong = { 0 };
	strings_add(&wrong, WRONG);
	struct http_response response = { 0 };
	struct error err = { 0 };

	CHECK(request(&stub, &(struct http_trust){ .fingerprints = &wrong }, "GET", "/x", &response, &err) == -1);
	CLEANUP(free_p) char *end = xasprintf("; its SHA-256 is %s", stub.fingerprints.at[0]);
	CHECK(text_ends(err.text, end));
}

TEST(http_session_limits_the_body)
{
	CLEANUP(free_p) char *large = xmalloc(HTTP_BODY_MAX + 2);
	memset(large, 'x', HTTP_BODY_MAX + 1);
	large[HTTP_BODY_MAX + 1] = '\0';
	const struct stub_route routes[] = {
		{ "GET /large", "200 OK", large },
		{ "GET /largest", "200 OK", large + 1 },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	const struct http_trust trust = { .fingerprints = &stub.fingerprints };
	CLEANUP(http_response_done) struct http_response response = { 0 };
	struct error err = { 0 };

	CHECK(request(&stub, &trust, "GET", "/large", &response, &err) == -1 && err.class == ERROR_NETWORK);
	CHECK(text_ends(err.text, "/large: the answer is larger than 8 MiB"));
	CHECK(request(&stub, &trust, "GET", "/largest", &response, &err) == 0 && response.body.len == HTTP_BODY_MAX);
}

TEST(http_session_repeats_only_get)
{
	static const struct stub_route routes[] = {
		{ "GET /x", "200 OK", "" },
		{ "PUT /x", NULL, NULL },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(session_close_p) struct http_session *s = NULL;
	CLEANUP(free_p) char *url = xasprintf("%s" STUB_PREFIX "/x", stub.url);
	CLEANUP(http_response_done) struct http_response one = { 0 }, two = { 0 };
	struct error err = { 0 };

	CHECK(http_session_open(&(struct http_trust){ .fingerprints = &stub.fingerprints }, 10, &s, &err) == 0);
	CHECK(http_session_request(s, &(struct http_request){ .method = "GET", .url = url }, &one, &err) == 0);
	CHECK(http_session_request(s, &(struct http_request){ .method = "GET", .url = url }, &two, &err) == 0);
	CHECK(http_session_request(s, &(struct http_request){ .method = "PUT", .url = url }, &two, &err) == -1);
	CHECK(err.class == ERROR_NETWORK && stub.seen->count[0] == 2 && stub.seen->count[1] == 1);
}

TEST(http_session_refuses_bad_trust)
{
	CLEANUP(strings_done) struct strings bad = { 0 };
	struct http_session *s = NULL;
	struct error err = { 0 };

	strings_add(&bad, "AA:BB");
	CHECK(http_session_open(&(struct http_trust){ .fingerprints = &bad }, 10, &s, &err) == -1);
	CHECK(err.class == ERROR_INPUT && !s);
	CHECK_STR(err.text, "'AA:BB' is not a SHA-256 fingerprint; it must be 32 pairs of hex digits, AA:BB:...");
	http_session_close(NULL);
}
