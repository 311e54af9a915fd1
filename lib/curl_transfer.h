/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A wrapper of libcurl; curl_transfer.c is the only file that includes libcurl's header. Private to lib/http.c (parallel
 * downloads) and lib/http_session.c (one request after another).
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/http_session.h"
#include "lib/macro.h"

enum curl_transfer_end {
	CURL_TRANSFER_OK,
	CURL_TRANSFER_STATUS,    /* a download whose HTTP status is 400 or more */
	CURL_TRANSFER_TRANSIENT, /* transient: a retry may succeed */
	CURL_TRANSFER_UNTRUSTED, /* the TLS certificate does not verify */
	CURL_TRANSFER_FAILED,
};

#define CURL_TRANSFER_MESSAGE_SIZE 256

struct tls_pin;

/* One transfer; a zeroed one is not running. It must not be moved in memory while it runs: libcurl holds its address. */
struct curl_transfer {
	void *easy;                                                  /* owned; libcurl's handle */
	void *pool;                                                  /* borrowed; NULL = none */
	bool (*receive)(void *context, const char *bytes, size_t n); /* false ends the transfer */
	void (*header)(void *context, const char *line, size_t n);   /* called for each header line; NULL = none */
	void *context;
	struct tls_pin *pin;                      /* borrowed; NULL = the CAs decide */
	long timeout;                             /* sessions: seconds for a whole request */
	long status;                              /* out: of HTTP; 404 for a missing file:; 0 = no response */
	char message[CURL_TRANSFER_MESSAGE_SIZE]; /* out: why it failed */
};

/* Downloads, several at once in a pool: libcurl follows redirects and takes the proxy from the environment; a status of 400 or
 * more is a failure. */
int curl_transfer_pool_open(void **ret_pool, struct error *err) MUST_CHECK;
void curl_transfer_pool_close(void *pool);
struct curl_transfer_options {
	const char *user, *password; /* borrowed; for this server, not for one that it redirects to; NULL = none */
	const char *netrc;           /* borrowed; file with passwords, used for servers that it names; NULL = none */
	const char *ca;              /* borrowed; PEM file of the CAs; NULL = the system's */
	const char *proxy;           /* borrowed; "" = none; NULL = the environment's */
	const char *proxy_user, *proxy_password; /* borrowed; NULL = those in the proxy's URL */
};
int curl_transfer_download(struct curl_transfer *w, void *pool, const char *url,
			   const struct curl_transfer_options *options, struct error *err) MUST_CHECK;
/* Reads and writes without blocking; *ret_running is the number of transfers that still run. */
int curl_transfer_pool_perform(void *pool, int *ret_running, struct error *err) MUST_CHECK;
int curl_transfer_pool_wait(void *pool, int milliseconds, struct error *err) MUST_CHECK;
/* The next transfer that has ended, with its status and message; NULL = none. The caller then calls curl_transfer_stop(). */
struct curl_transfer *curl_transfer_pool_next(void *pool, enum curl_transfer_end *ret_end);

/* Sessions: see lib/http_session.h. */
int curl_transfer_open(struct curl_transfer *w, const struct http_trust *trust, long timeout, struct error *err)
	MUST_CHECK;
enum curl_transfer_end curl_transfer_exchange(struct curl_transfer *w, const struct http_request *request);

/* Ends a transfer of either kind; one that is not running is fine. */
void curl_transfer_stop(struct curl_transfer *w);
