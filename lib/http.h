/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Downloads by HTTP(S) and from file: URLs (lib/curl_transfer.h), several at once. TLS is always verified. A failed transfer
 * starts over up to three times, with a growing delay, when that can help (connect errors, 5xx, a connection that breaks),
 * never when it cannot (404, TLS verification). The proxy is taken from the environment, as by curl(1), the
 * user and the password for a server from lib/login.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/macro.h"
#include "lib/text.h"

struct http_download {
	const char *url;  /* borrowed */
	const char *name; /* borrowed; for messages, e.g. the package */
	int fd;           /* borrowed; truncated before each try, then written from offset 0 */
	/* called once before the first try, so that fd is opened only when the download starts; NULL = it is open */
	int (*start)(struct http_download *self, struct error *err);
	uint64_t limit; /* a larger body ends the transfer; 0 = HTTP_SIZE_MAX */
	/* called once when the file is complete, on the calling thread; -1 ends all downloads. NULL = nothing */
	int (*done)(struct http_download *self, struct error *err);
	/* called once when the last try failed, with the status of HTTP (404 for a missing file:, 0 when there was no answer)
	 * and the error: 0 lets the other downloads continue, -1 ends all with *err. NULL = it ends all */
	int (*failed)(struct http_download *self, long status, struct error *err);
	void *context;
	const char *netrc;       /* borrowed; file with passwords (netrc(5)) for this server; NULL = none */
	const char *ca;          /* borrowed; PEM file of the CAs; NULL = the system's */
	bool apt;                /* from an apt repository: apt's proxies are used (lib/proxy.h) */
	char sha256[SHA256_HEX]; /* out: of the bytes written; valid when done() is called */
	uint64_t received;       /* out: bytes written */
};

#define HTTP_SIZE_MAX (16ull << 30)
#define HTTP_PARALLEL 8

/* Seconds before the second try. Tests shorten it. */
extern double http_retry_delay;

/* progress (may be NULL) gets the number of new bytes as they arrive; bytes of a second try count again. Returns when all
 * downloads are done, or at the first that failed finally; the caller then closes the fds that start() opened. Errors name the
 * URL: ERROR_NETWORK; ERROR_TRUST for a certificate that does not verify or more bytes than the limit. */
int http_download_all(struct http_download *items, size_t n, void (*progress)(void *context, uint64_t new_bytes),
		      void *context, struct error *err) MUST_CHECK;
/* The URL without a server's user and password, which must not get into messages and logs. Owned by the caller. */
char *http_public_url(const char *url) MUST_CHECK;
/* A small document into memory; appends to *ret. */
int http_get(const char *url, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
/* The same from an apt repository. */
int http_get_apt(const char *url, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
