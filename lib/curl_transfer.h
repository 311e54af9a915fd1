/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * libcurl behind a small face, so that one file includes it. For lib/http.c (downloads, several at once) and
 * lib/http_session.c (one request after another); nobody else needs it.
 */
#include <stdbool.h>

#include "lib/http_session.h"
#include "lib/tls_pin.h"

enum curl_transfer_end {
	CURL_TRANSFER_OK,
	CURL_TRANSFER_STATUS,    /* a download's status says that it failed */
	CURL_TRANSFER_PASSING,   /* another try may heal it */
	CURL_TRANSFER_UNTRUSTED, /* TLS */
	CURL_TRANSFER_FAILED,
};

#define CURL_TRANSFER_MESSAGE_SIZE 256

/* One transfer; a zeroed one is not running. It may not move while it runs. */
struct curl_transfer {
	void *easy;                                                  /* owned; libcurl's handle */
	void *pool;                                                  /* borrowed; NULL = none */
	bool (*receive)(void *context, const char *bytes, size_t n); /* false ends the transfer */
	void (*header)(void *context, const char *line, size_t n);   /* NULL = nobody wants them */
	void *context;
	struct tls_pin *pin; /* borrowed; NULL = the CAs decide */
	long timeout;        /* sessions: seconds for a whole request */
	long status;         /* out: HTTP's; 0 = none came */
	char message[CURL_TRANSFER_MESSAGE_SIZE];
};

/* Downloads: redirects are followed, the proxy is taken from the environment, a bad status is an end. */
int curl_transfer_pool_open(void **ret_pool, struct error *err) MUST_CHECK;
void curl_transfer_pool_close(void *pool);
int curl_transfer_download(struct curl_transfer *w, void *pool, const char *url, struct error *err) MUST_CHECK;
/* Moves what can move; *ret_running transfers are left. */
int curl_transfer_pool_perform(void *pool, int *ret_running, struct error *err) MUST_CHECK;
int curl_transfer_pool_wait(void *pool, int milliseconds, struct error *err) MUST_CHECK;
/* The next that has ended, with its status and message; NULL = none. It still has to be stopped. */
struct curl_transfer *curl_transfer_pool_next(void *pool, enum curl_transfer_end *ret_end);

/* Sessions: as lib/http_session.h says. */
int curl_transfer_open(struct curl_transfer *w, const struct http_trust *trust, long timeout, struct error *err)
	MUST_CHECK;
enum curl_transfer_end curl_transfer_exchange(struct curl_transfer *w, const struct http_request *request);

void curl_transfer_stop(struct curl_transfer *w);
