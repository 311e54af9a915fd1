/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One request after another to one server over a persistent connection: for APIs. Downloads are in lib/http.h. TLS is verified,
 * by CA or by the SHA-256 of the server's certificate; nothing turns that off. Redirects are not followed, a proxy from the
 * environment is not used, no Expect header is sent.
 *
 * Only a GET may be sent twice, when the persistent connection turns out to be closed. Every other method gets a new connection,
 * so that a request is sent once or not at all.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

struct http_session;

/* Everything is borrowed until http_session_close(). Either the CA or a fingerprint suffices; without both, the
 * system's CAs decide. */
struct http_trust {
	const char *ca;                     /* PEM text; NULL = none */
	const struct strings *fingerprints; /* SHA-256 of accepted leaves, "AA:BB:..."; NULL = none */
	const char *certificate, *key;      /* the client's, PEM text; NULL = none */
};

/* A body that is never in memory as a whole. Its request has no total time limit: it fails only when no data are
 * transferred for a while. */
struct http_stream {
	const char *type; /* Content-Type */
	uint64_t len;     /* of the whole body */
	/* The next bytes, at most max; -1 aborts the request. The body is read once, from its first byte. */
	ssize_t (*read)(void *context, char *buffer, size_t max);
	void *context;
};

struct http_request {
	const char *method, *url;
	const struct strings *headers; /* "Name: value"; no message contains them; NULL = none */
	const char *body;              /* NULL = none */
	size_t body_len;
	const struct http_stream *stream; /* instead of body; NULL = none */
	/* Gets the answer's body as it arrives; none is kept then. False ends the request, which has succeeded. NULL = keep it. */
	bool (*arrives)(void *context, const char *bytes, size_t n);
	void *arrives_context;
};

struct http_response {
	long status;      /* 0 = no response */
	char *reason;     /* owned; the reason phrase; NULL = none */
	struct text body; /* owned; at most HTTP_BODY_MAX */
};

#define HTTP_BODY_MAX (8u << 20)

/* timeout: seconds for a whole request. */
int http_session_open(const struct http_trust *trust, long timeout, struct http_session **ret, struct error *err)
	MUST_CHECK;
/* 0 when a response came, whatever its status. Else ERROR_NETWORK, or ERROR_TRUST when the certificate is not trusted. */
int http_session_request(struct http_session *s, const struct http_request *request, struct http_response *ret,
			 struct error *err) MUST_CHECK;
void http_response_done(struct http_response *r);
void http_session_close(struct http_session *s); /* NULL is fine */
