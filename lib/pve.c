/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pve.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/http_session.h"
#include "lib/macro.h"
#include "lib/validate.h"

#define TIMEOUT_DEFAULT 30L
#define PORT_DEFAULT "8006"

struct pve {
	struct http_session *session;
	char *base;             /* owned; https://HOST:PORT/api2/json */
	struct strings headers; /* owned; the secret is in it */
	const char *token_id;   /* borrowed */
	enum pve_failure failure;
};

enum pve_failure pve_failure(const struct pve *pve)
{
	return pve->failure;
}

/* The port follows the last colon that is not part of an IPv6 address. */
static bool has_port(const char *url)
{
	const char *colon = strrchr(url, ':'), *bracket = strrchr(url, ']');

	return colon > strstr(url, "://") && (!bracket || colon > bracket);
}

static char *base_of(const char *url)
{
	return xasprintf("%s%s/api2/json", url, has_port(url) ? "" : ":" PORT_DEFAULT);
}

static void pve_close_p(struct pve **pve)
{
	pve_close(*pve);
}

int pve_open(const struct pve_access *access, struct pve **ret, struct error *err)
{
	CLEANUP(pve_close_p) struct pve *pve = xcalloc(1, sizeof *pve);
	struct http_trust trust = { .ca = access->ca, .fingerprints = access->fingerprints };

	if (!pve_url_is_valid(access->url))
		return error_set(err, ERROR_INPUT, "'%s' is not a Proxmox VE URL; it must be https://HOST[:PORT]",
				 access->url);
	if (http_session_open(&trust, access->timeout ? access->timeout : TIMEOUT_DEFAULT, &pve->session, err) < 0)
		return error_wrap(err, "%s", access->url);
	pve->base = base_of(access->url);
	pve->token_id = access->token_id;
	strings_addf(&pve->headers, "Authorization: PVEAPIToken=%s=%s", access->token_id, access->token_secret);
	*ret = TAKE(pve);
	return 0;
}

void pve_close(struct pve *pve)
{
	if (!pve)
		return;
	http_session_close(pve->session);
	for (size_t i = 0; i < pve->headers.n; i++)
		explicit_bzero(pve->headers.at[i], strlen(pve->headers.at[i]));
	strings_done(&pve->headers);
	free(pve->base);
	free(pve);
}

/* What the user can do about it. */
static const char *advice(enum pve_failure failure)
{
	static const char *const texts[] = {
		[PVE_UNAUTHORIZED] = "; the token is wrong, has expired or was deleted: create a new one",
		[PVE_FORBIDDEN] = "; give the token the privilege that it names (and its user, unless the token has "
				  "none of its own)",
		[PVE_ERROR] = "",
	};

	return texts[failure] ? texts[failure] : "";
}

/* A proxy in between may have written the message, and it quotes what was sent. */
static int call_failed(const struct pve *pve, const char *what, long status, const char *message, struct error *err)
{
	bool token = pve->failure == PVE_UNAUTHORIZED || pve->failure == PVE_FORBIDDEN;

	error_set(err, pve->failure == PVE_UNREACHABLE ? ERROR_NETWORK : ERROR_TARGET,
		  "%s: Proxmox VE answers %ld%s%s%s%s", what, status, advice(pve->failure), token ? " (" : "",
		  token ? pve->token_id : "", token ? ")" : "");
	return error_quote(err, "%s", message);
}

/* *ret is the `data` of a successful answer. */
static int read_data(struct pve *pve, const char *what, const struct http_response *response, struct json **ret,
		     struct error *err)
{
	CLEANUP(free_p) char *message = NULL;
	CLEANUP(json_free_p) struct json *json = NULL;
	const char *body = response->body.data ? response->body.data : "";

	pve->failure = pve_classify(response->status, response->reason, body, response->body.len, &message);
	if (pve->failure != PVE_OK)
		return call_failed(pve, what, response->status, message, err);
	if (json_parse("the answer", body, response->body.len, &json, err) < 0 || !json_is_object(json)) {
		pve->failure = PVE_ERROR;
		return error_set(err, ERROR_FAILED, "%s: the answer is not JSON; is this a Proxmox VE API?", what);
	}
	if (ret)
		*ret = json_take(json, "data");
	return 0;
}

/* The keys are called alike in a target's file and in a node's. */
static int say_what_to_trust(struct error *err)
{
	struct error why = *err;

	error_set(err, ERROR_TRUST,
		  "%s; name the CA that signed it (`ca`, /etc/pve/pve-root-ca.pem of a node) or, after a look at "
		  "it on the node, the certificate itself (`fingerprints`, as `pvenode cert info` shows them)",
		  why.text);
	err->private = why.private;
	return -1;
}

static int exchange(struct pve *pve, const char *path, struct http_request *request, struct json **ret,
		    struct error *err)
{
	CLEANUP(http_response_done) struct http_response response = { 0 };
	CLEANUP(free_p) char *what = xasprintf("%s %s", request->method, path);

	request->headers = &pve->headers;
	if (http_session_request(pve->session, request, &response, err) < 0) {
		pve->failure = err->class == ERROR_TRUST ? PVE_UNTRUSTED : PVE_UNREACHABLE;
		return pve->failure == PVE_UNTRUSTED ? say_what_to_trust(err) : -1;
	}
	return read_data(pve, what, &response, ret, err);
}

/* GET and DELETE have no body; every other method has one, possibly empty, because PVE requires Content-Length. */
static bool in_query(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "DELETE");
}

int pve_call(struct pve *pve, const char *method, const char *path, const struct pve_param *params, struct json **ret,
	     struct error *err)
{
	CLEANUP(text_done) struct text form = { 0 };
	bool query = in_query(method);

	pve_form(params, &form);
	CLEANUP(free_p)
	char *url = xasprintf("%s%s%s%s", pve->base, path, query && form.len ? "?" : "",
			      query && form.len ? form.data : "");
	struct http_request request = { .method = method, .url = url };
	if (!query) {
		request.body = form.len ? form.data : "";
		request.body_len = form.len;
	}
	return exchange(pve, path, &request, ret, err);
}

int pve_send(struct pve *pve, const char *path, const struct http_stream *body, struct json **ret, struct error *err)
{
	CLEANUP(free_p) char *url = xasprintf("%s%s", pve->base, path);
	struct http_request request = { .method = "POST", .url = url, .stream = body };

	return exchange(pve, path, &request, ret, err);
}
