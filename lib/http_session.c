/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http_session.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/curl_transfer.h"
#include "lib/macro.h"
#include "lib/tls_pin.h"

#define REASON_MAX 512 /* bytes of a status line that are kept */

struct http_session {
	struct curl_transfer curl;
	struct tls_pin *pin;             /* owned; NULL = no fingerprints were given */
	struct http_response *receiving; /* borrowed */
	const struct http_request *sent; /* borrowed */
	bool too_large, enough;
};

static bool on_body(void *context, const char *bytes, size_t n)
{
	struct http_session *s = context;

	if (s->sent->arrives) {
		s->enough = !s->sent->arrives(s->sent->arrives_context, bytes, n);
		return !s->enough;
	}
	s->too_large = s->receiving->body.len + n > HTTP_BODY_MAX;
	if (!s->too_large)
		text_addn(&s->receiving->body, bytes, n);
	return !s->too_large;
}

/* Called for each header line; keeps the reason phrase of the last status line. */
static void on_header(void *context, const char *line, size_t n)
{
	struct http_session *s = context;
	CLEANUP(free_p) char *copy = xstrndup(line, n < REASON_MAX ? n : REASON_MAX);
	char *reason = strchr(copy, ' ');

	if (!text_starts(copy, "HTTP/") || !reason)
		return;
	reason += 1 + strcspn(reason + 1, " ");
	free(s->receiving->reason);
	s->receiving->reason = xstrdup(text_trim(reason));
}

static void session_close_p(struct http_session **s)
{
	http_session_close(*s);
}

int http_session_open(const struct http_trust *trust, long timeout, struct http_session **ret, struct error *err)
{
	CLEANUP(session_close_p) struct http_session *s = xcalloc(1, sizeof *s);

	if (tls_pin_is_needed(trust->fingerprints) && tls_pin_new(trust->fingerprints, &s->pin, err) < 0)
		return -1;
	s->curl = (struct curl_transfer){ .receive = on_body, .header = on_header, .context = s, .pin = s->pin };
	if (curl_transfer_open(&s->curl, trust, timeout, err) < 0)
		return -1;
	*ret = TAKE(s);
	return 0;
}

static int request_failed(const struct http_session *s, enum curl_transfer_end end, const struct http_request *request,
			  struct error *err)
{
	const char *seen = s->pin ? tls_pin_seen(s->pin) : "";

	if (s->too_large)
		return error_set(err, ERROR_NETWORK, "%s: the answer is larger than %u MiB", request->url,
				 HTTP_BODY_MAX >> 20);
	if (end == CURL_TRANSFER_UNTRUSTED)
		return error_set(err, ERROR_TRUST, "%s: the server's certificate is not trusted: %s%s%s", request->url,
				 s->curl.message, *seen ? "; its SHA-256 is " : "", seen);
	return error_set(err, ERROR_NETWORK, "%s: %s", request->url, s->curl.message);
}

int http_session_request(struct http_session *s, const struct http_request *request, struct http_response *ret,
			 struct error *err)
{
	CLEANUP(http_response_done) struct http_response response = { 0 };

	s->receiving = &response;
	s->sent = request;
	s->too_large = s->enough = false;
	enum curl_transfer_end end = curl_transfer_exchange(&s->curl, request);
	s->receiving = NULL;
	s->sent = NULL;
	if (end != CURL_TRANSFER_OK && !s->enough)
		return request_failed(s, end, request, err);
	response.status = s->curl.status;
	*ret = TAKE(response);
	return 0;
}

void http_response_done(struct http_response *r)
{
	free(r->reason);
	text_done(&r->body);
	*r = (struct http_response){ 0 };
}

void http_session_close(struct http_session *s)
{
	if (!s)
		return;
	curl_transfer_stop(&s->curl);
	tls_pin_free(s->pin);
	free(s);
}
