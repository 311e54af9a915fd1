/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the API server, with a kubeconfig's credentials. */
#include "agent/kube_internal.h"
#include "lib/file.h"
#include "lib/json.h"

int kube_load(const char *root, const char *kubeconfig, struct kubeconfig *ret, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0)
		return -1;
	return kubeconfig_load(rootfd, kubeconfig, ret, err);
}

static void session_close_p(struct http_session **s)
{
	http_session_close(*s);
}

int kube_send(const struct kubeconfig *k, struct http_request *request, long timeout, struct http_response *ret,
	      struct error *err)
{
	const struct http_trust trust = { .ca = k->ca.text, .certificate = k->certificate.text, .key = k->key.text };
	CLEANUP(strings_done) struct strings headers = { 0 };
	CLEANUP(session_close_p) struct http_session *session = NULL;

	strings_add(&headers, "Accept: application/json");
	if (request->body)
		strings_add(&headers, "Content-Type: application/json");
	if (k->token && !k->certificate.text)
		strings_addf(&headers, "Authorization: Bearer %s", k->token);
	if (http_session_open(&trust, timeout, &session, err) < 0)
		return -1;
	request->headers = &headers;
	int rc = http_session_request(session, request, ret, err);
	request->headers = NULL;
	return rc;
}

/* Kubernetes gives the reason in a Status object. */
int kube_refuse(const struct http_response *r, const char *url, struct error *err)
{
	CLEANUP(json_free_p) struct json *status = NULL;
	struct error ignored = { 0 };
	const char *message = NULL;

	if (json_parse("status", r->body.data ? r->body.data : "", r->body.len, &status, &ignored) == 0)
		message = json_get_string(status, "message");
	bool passes = r->status >= 500 || r->status == 429;
	error_set(err, passes ? ERROR_NETWORK : ERROR_FAILED, "%s: HTTP status %ld", url, r->status);
	return error_quote(err, "%s", message ? message : "");
}
