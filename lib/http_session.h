/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One request after another to one server, over connections that are kept: for APIs. Downloads are lib/http.h's. TLS is verified,
 * by CA or by the SHA-256 of the server's certificate; nothing turns that off. No redirect is followed, no proxy from the
 * environment is used, no Expect header is sent.
 *
 * Only a GET may be sent twice, when the kept connection that it took turns out to be closed. Everything else gets a new
 * connection, so that it was either sent once or not at all.
 */
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/text.h"

struct http_session;

/* Everything borrowed until http_session_close(). Either ca or a fingerprint suffices; without both, the system's CAs decide. */
struct http_trust {
	const char *ca;                     /* PEM text; NULL = none */
	const struct strings *fingerprints; /* SHA-256 of accepted leaves, "AA:BB:..."; NULL = none */
	const char *certificate, *key;      /* the client's, PEM text; NULL = none */
};

/* A body that is never in memory as a whole. Its request has no time limit but the one for silence. */
struct http_stream {
	const char *type; /* Content-Type */
	uint64_t len;     /* exactly so many bytes */
	/* The next bytes, at most max; -1 gives the request up. Called from the first byte on, once. */
	ssize_t (*read)(void *context, char *buffer, size_t max);
	void *context;
};

struct http_request {
	const char *method, *url;
	const struct strings *headers; /* "Name: value"; secrets among them appear in no message; NULL = none */
	const char *body;              /* NULL = none */
	size_t body_len;
	const struct http_stream *stream; /* instead of body; NULL = none */
};

struct http_response {
	long status;      /* 0 = none came */
	char *reason;     /* owned; the words after the status; NULL = none */
	struct text body; /* owned; at most HTTP_BODY_MAX */
};

#define HTTP_BODY_MAX (8u << 20)

/* timeout: seconds for a whole request. */
int http_session_open(const struct http_trust *trust, long timeout, struct http_session **ret, struct error *err)
	MUST_CHECK;
/* 0 when an answer came, whatever its status. Else ERROR_NETWORK, or ERROR_TRUST when the certificate is not the one. */
int http_session_request(struct http_session *s, const struct http_request *request, struct http_response *ret,
			 struct error *err) MUST_CHECK;
void http_response_done(struct http_response *r);
void http_session_close(struct http_session *s); /* NULL is fine */
